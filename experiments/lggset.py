import torch, numpy as np
from torch import nn
from torch.nn import functional as F
from monai_das.samplers.selection import slice_mask
P=torch.load("lggfeat.pt")
def draw(name,c,rng,pairs=3,size=12):
    tp=(c["tp"]>0).numpy(); t=np.flatnonzero(tp); n=np.flatnonzero(~tp)
    if len(n)<size: return []
    out=[]
    # runs of consecutive tumour slices
    for _ in range(pairs):
        while True:
            m=int(rng.integers(1,5))
            starts=[s for s in range(len(tp)-m+1) if tp[s:s+m].all()]
            if starts: break
        s=int(rng.choice(starts))
        pos=sorted([*range(s,s+m),*rng.choice(n,size-m,replace=False).tolist()])
        neg=sorted(rng.choice(n,size,replace=False).tolist())
        out+= [(name,pos,1),(name,neg,0)]
    return out

def tables(o,folds=4):
    rng=np.random.default_rng(2026)
    names=sorted(P); sets=[]
    for n in names: sets+=draw(n,P[n],rng)
    pats=sorted({s[0] for s in sets}); perm=np.random.default_rng(7).permutation(len(pats))
    val={pats[i] for i in perm[o.fold::folds]}
    parts={"train":[s for s in sets if s[0] not in val],"val":[s for s in sets if s[0] in val]}
    allf=torch.cat([P[n]["f"][0] for n in pats if n not in val]).float(); mu,sd=allf.mean(0),allf.std(0)+1e-6
    res={}
    for k,ss in parts.items():
        f=torch.stack([((P[n]["f"][:,ix].float()-mu)/sd) for n,ix,_ in ss])
        t=torch.stack([P[n]["t"][ix].float()/255 for n,ix,_ in ss])
        t=F.avg_pool2d(t,2)
        ev=torch.stack([P[n]["tp"][ix]>0 for n,ix,_ in ss]); y=torch.tensor([l for _,_,l in ss])
        res[k]=(t.permute(0,2,3,1)[:,None].contiguous(),f,y,np.array([pats.index(n) for n,_,_ in ss])); res[k+"_ev"]=ev
    return res,pats
