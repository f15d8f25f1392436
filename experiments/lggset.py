import torch, numpy as np
from torch import nn
from torch.nn import functional as F
from monai_das.samplers.selection import slice_mask
P=torch.load("/tmp/Hx/lggfeat.pt")
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
def data(o,folds=4):
    rng=np.random.default_rng(2026)
    names=sorted(P); sets=[]
    for n in names: sets+=draw(n,P[n],rng)
    pats=sorted({s[0] for s in sets}); perm=np.random.default_rng(7).permutation(len(pats))
    val={pats[i] for i in perm[o.fold::folds]}
    parts={"train":[s for s in sets if s[0] not in val],"val":[s for s in sets if s[0] in val]}
    allf=torch.cat([P[n]["f"][0] for n in pats if n not in val]).float(); mu,sd=allf.mean(0),allf.std(0)+1e-6
    res={}
    for k,ss in parts.items():
        f=torch.stack([((P[n]["f"][:,ix].float()-mu)/sd) for n,ix,_ in ss]) # N,4,12,F
        t=torch.stack([P[n]["t"][ix].float()/255 for n,ix,_ in ss])
        ev=torch.stack([P[n]["tp"][ix]>0 for n,ix,_ in ss]); y=torch.tensor([l for _,_,l in ss])
        res[k]=(t.permute(0,2,3,1)[:,None],y,ev,f)
    print(len(sets),len(pats),{k:len(v[1]) for k,v in res.items()},flush=True) if o.verbose else None
    def batch(ids,aug,split):
        t,y,ev,f=res[split]; t,f=t[ids],f[ids]
        x=t.clone(); feat=f[:,0].clone()
        if aug is not None:
            fl=torch.rand(len(ids),3)<.5
            for i in range(len(ids)):
                v=int(fl[i,0])*1+int(fl[i,1])*2; z=t[i]; ff=f[i,v]
                if fl[i,0]: z=z.flip(1)
                if fl[i,1]: z=z.flip(2)
                if fl[i,2]: z=z.flip(3); ff=ff.flip(0)
                x[i]=z; feat[i]=ff
        return x,feat,y[ids],torch.full((len(ids),),12)
    return dict(train=res["train"][:3],val=res["val"][:3],backbone=lambda: nn.Identity(),nf=1280,classes=2,augment=1,batch=batch,slices=lambda feed,need: feed[need])
