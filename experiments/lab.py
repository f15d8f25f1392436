"""Small laboratory of helper H: one training of a prototype; a JSON line per run."""
import argparse, copy, json, sys, time, math
import numpy as np, torch
from torch import nn, Tensor
from torch.nn import functional as F
torch.set_num_threads(1)
from monai_das.samplers.base import Sampler
from monai_das.samplers.das_parts import KNOWN, WIDTH, SliceEncoder, slice_tokens, score_head
from monai_das.samplers.slice_context import SliceAttention
from monai_das.samplers.selection import real_slices, slice_mask, select_top, lowest
from monai_das.samplers.design import *
from monai_das.networks.aggregation import DASAttentionAggregation, softmax_of_kept
from monai_das.transforms import DASRandFlipShift
from sklearn.metrics import roc_auc_score

class Scorer(nn.Module):
    def __init__(s, grid=32, bound=8.0, encoder="blocks"):
        super().__init__()
        s.encoder=SliceEncoder(grid=grid); s.token=nn.Linear(KNOWN,WIDTH); s.attention=SliceAttention(WIDTH,4); s.head=score_head(4); s.bound=bound
    def forward(s, thumbs, lengths):
        looks=s.encoder(thumbs,lengths)
        t=s.attention(s.token(slice_tokens(looks)),looks.mask)
        r=s.head(t).float().mean(2)
        return s.bound*torch.tanh(r/s.bound), looks

class Net(nn.Module):
    def __init__(s, backbone, nf, classes, method, own_teacher, dropout, floor=0.01):
        super().__init__()
        s.backbone=backbone; s.att=DASAttentionAggregation(nf); s.head=nn.Linear(nf,classes); s.drop=nn.Dropout(dropout)
        s.own=own_teacher
        if own_teacher: s.tatt=DASAttentionAggregation(nf); s.thead=nn.Linear(nf,classes)
        s.method=method; s.scorer=Scorer() ; s.nf=nf; s.floor=floor
    def feats(s,x):  # x (N,H,W,1) or precomputed (N,F)
        if x.dim()==2: return s.backbone(x)
        f=s.backbone(x[:,:,:,None].permute(0,3,1,2))
        return f if f.dim()==2 else f.flatten(2).mean(2)
    def teach(s,h,mask):
        att,head=(s.tatt,s.thead) if s.own else (s.att,s.head)
        a=softmax_of_kept(att.logits(h),mask)
        bag=(h*a[:,:,None]).sum(1)
        return a, bag, head(s.drop(bag)), head
    def student(s,h,mask,pi=None):
        lg=s.att.logits(h)
        if pi is not None: lg=lg-torch.log(pi.float().clamp(min=1e-6))
        a=softmax_of_kept(lg,mask)
        return s.head(s.drop((h*a[:,:,None]).sum(1)))

def loo(a,h,bag,head,mask):
    d=(bag[:,None]-h)@head.weight.T
    d=d-d.mean(-1,keepdim=True)
    e=a/(1-a).clamp(min=1e-4)*d.norm(dim=-1)
    e=e.masked_fill(~mask,0)
    return e

def choose(net,thumbs,lengths,k,mode,tau,train,o):
    B,D=thumbs.size(0),thumbs.size(4)
    if net.method=="full":
        return None
    scores,looks=net.scorer(thumbs,lengths)
    el=looks.share>=net.floor
    real=looks.mask
    counts=lengths.clamp(max=k)
    if net.method=="topvar":
        scores=looks.logs[:,0]; idx=torch.topk(scores.masked_fill(~real,-1e30),k,1).indices.sort(1).values
        return scores,idx,None,el
    if net.method=="uniform": scores=torch.zeros_like(scores)
    if net.method=="first": scores=looks.logs[:,0]+4*torch.tanh(scores/4)
    if mode=="top":
        key=torch.where(el,scores,-1e30).masked_fill(~real,-2e30)
        return scores,torch.topk(key,k,1).indices.sort(1).values,None,el
    pi=slice_probabilities(scores.detach()/tau,counts,el,real)
    st=starts(scores,train)
    if mode=="sys": idx=systematic(pi,k,st)
    else: idx=stratified(pi,scores.masked_fill(~(el&real),-1e30),k,st)
    return scores,idx,pi,el

def train(data,o):
    torch.manual_seed(o.seed); np.random.seed(o.seed)
    X,y,ev=data["train"]; N,D=len(X),X.shape[-1]
    net=Net(data["backbone"](),data["nf"],data["classes"],o.method,o.own,o.dropout)
    ema=copy.deepcopy(net).eval()
    opt=torch.optim.AdamW(net.parameters(),lr=o.lr,weight_decay=o.wd)
    per=N//o.batch; total=o.epochs*per
    sched=torch.optim.lr_scheduler.OneCycleLR(opt,o.lr,total_steps=total,pct_start=o.warm)
    aug=data["augment"]
    step=0; log=[]
    for ep in range(o.epochs):
        net.train(); t0=time.time(); parts=np.zeros(5); corr=[]
        order=torch.randperm(N)
        for b in range(per):
            ids=order[b*o.batch:(b+1)*o.batch]
            frac=step/total
            thumbs,feed,y_b,lengths=data["batch"](ids,aug,"train")
            B=len(ids)
            if frac<o.hold: share=o.share0
            elif frac<o.end: share=o.share1
            else: share=0.0
            if o.lin: share=0.5+0.5*math.cos(math.pi*min(1.0,max(0.0,(frac-o.hold)/(o.end-o.hold))))
            if o.method in("uniform","topvar"): share=0.0 if not o.widebase else share
            if o.method=="full": share=1.0
            nw=int(round(share*B)); wide=torch.arange(B)<nw
            mask=slice_mask(lengths,D)
            loss=0.0
            got=choose(net,thumbs,lengths,o.k,o.trainmode,o.tau,o.randstart,o)
            # features: wide all, narrow chosen
            need=torch.zeros(B,D,dtype=torch.bool)
            need[wide]=mask[wide]
            if got is not None:
                scores,idx,pi,el=got
                if nw<B: need[~wide]=torch.zeros(B-nw,D,dtype=torch.bool).scatter(1,idx[~wide],True)
            h=torch.zeros(B,D,net.nf); h[need]=net.feats(data["slices"](feed,need))
            if nw:
                a,bag,lg,head=net.teach(h[wide],mask[wide])
                ce=F.cross_entropy(lg,y_b[wide],reduction="sum"); loss=loss+ce/B; parts[0]+=ce.item()/nw
            if got is not None:
                sub=torch.ones(B,dtype=torch.bool) if o.double else ~wide
                if sub.any():
                    hs=h[sub].gather(1,idx[sub][:,:,None].expand(-1,-1,net.nf))
                    ce=F.cross_entropy(net.student(hs,torch.ones(hs.shape[:2],dtype=torch.bool),pi[sub].gather(1,idx[sub]) if o.ht and pi is not None else None),y_b[sub],reduction="sum")
                    loss=loss+ce/(B if not o.double else sub.sum()); parts[1]+=ce.item()/int(sub.sum())
                if nw and o.method in("das","first"):
                    with torch.no_grad():
                        m=mask[wide]
                        hh=h[wide].detach()
                        if o.teacher=="att": e=a.detach(); w=(1-torch.special.entr(e).sum(1)/torch.log(m.sum(1).float())).clamp(min=0)
                        else:
                            e=loo(a.detach(),hh,bag.detach(),head,m).pow(o.power); e=e/e.sum(1,keepdim=True).clamp(min=1e-12); w=torch.ones(nw)
                        if o.nosure: w=torch.ones(nw)
                        m2=m&el[wide]
                        e=e.masked_fill(~m2,0); e=e/e.sum(1,keepdim=True).clamp(min=1e-12)
                    ls=torch.log_softmax(scores[wide].masked_fill(~m2,-1e30),1)
                    kl=(e*(torch.log(e.clamp(min=1e-12))-ls).masked_fill(~m2,0)).sum(1)
                    loss=loss+o.lesson*(w*kl).mean()
                    parts[2]+=kl.mean().item(); parts[3]+=torch.special.entr(e).sum(1).mean().item()
                if o.penalty: loss=loss+o.penalty*scores.square().mean()
            if o.slices and ev is not None:
                loss=loss+o.slices*slice_loss(scores,data["truth"](ids),el)
            opt.zero_grad(); loss.backward(); opt.step(); sched.step(); step+=1
            with torch.no_grad():
                w=1.0/(1.0+0.1*(step-1))
                for p,q in zip(ema.state_dict().values(),net.state_dict().values()):
                    if p.is_floating_point(): p.lerp_(q,w)
                    else: p.copy_(q)
        log.append([round(v/per,3) for v in parts]+[round(time.time()-t0,1)])
        if o.verbose and (ep%o.verbose==0 or ep==o.epochs-1):
            r=evaluate(ema,data,o,"val",modes=[(o.testmode,o.tau)])
            print(ep,log[-1],r,file=sys.stderr,flush=True)
    return ema,log

def evaluate(net,data,o,split,modes):
    X,y,ev=data[split]; out={}
    with torch.no_grad():
        hs=[];sc=[];els=[]
        for s in range(0,len(X),32):
            ids=torch.arange(s,min(s+32,len(X)))
            thumbs,feed,_,lengths=data["batch"](ids,None,split)
            D=thumbs.size(4); mask=slice_mask(lengths,D)
            h=torch.zeros(len(ids),D,net.nf); h[mask]=net.feats(data["slices"](feed,mask))
            hs.append((h,thumbs,lengths))
        a=torch.cat([net.teach(h,slice_mask(l,h.size(1)))[2].softmax(1) for h,t,l in hs])
        out["full"]=auc(y,a)
        if net.method=="full": return out
        for mode,tau in modes:
            ps=[];met=[];share=[]; top=[]
            for (h,t,l),s in zip(hs,range(0,len(X),32)):
                scores,idx,pi,el=choose(net,t,l,o.k,mode,tau,False,o)
                hh=h.gather(1,idx[:,:,None].expand(-1,-1,net.nf))
                ps.append(net.student(hh,torch.ones(hh.shape[:2],dtype=torch.bool),pi.gather(1,idx) if o.ht and pi is not None else None).softmax(1))
                if ev is not None:
                    e=ev[s:s+len(h)]; g=e.gather(1,idx); has=e.any(1)
                    met.append((g.sum(1)/e.sum(1).clamp(max=o.k))[has]); share.append(g.any(1)[has].float())
            p=torch.cat(ps)
            nm=f"{mode}{tau:g}"
            out[nm]=auc(y,p)
            if p.shape[1]==2:
                yy=y.numpy(); out[nm+"_ce"]=round(float(F.nll_loss(p.log(),y)),3); pr=p[:,1].numpy(); out[nm+"_bal"]=round(float(((pr>.5)[yy==1].mean()+(pr<=.5)[yy==0].mean())/2),3)
            if ev is not None: out[nm+"_rec"]=round(float(torch.cat(met).mean()),3); out[nm+"_met"]=round(float(torch.cat(share).mean()),3)
    return out
def auc(y,p):
    y=y.numpy(); p=p.numpy()
    return round(float(roc_auc_score(y,p[:,1]) if p.shape[1]==2 else roc_auc_score(y,p,multi_class="ovr")),4)

def image_data(sets,backbone,nf,classes,augment,size):
    def batch(ids,aug,split):
        X,y,_=sets[split]; x=X[ids].float()
        if aug is not None: x=aug(x)
        return x,x,y[ids],torch.full((len(ids),),x.size(4))
    def slices(feed,need): return feed.permute(0,4,2,3,1)[...,0][need]
    return dict(**sets,backbone=backbone,nf=nf,classes=classes,augment=augment,batch=batch,slices=slices)

def needle_data(name,depth,noise,n=1500,seed=5000,contrast=7.0):
    import benchmarks.sets.needle_hard as nh, benchmarks.sets.needle as nd
    from benchmarks.sets import planted_set, real_backgrounds, needle_set
    from benchmarks import DASNeedleCNN
    def make(num,sd):
        if name in("hard","mini"):
            nh.DEPTH=depth
            if name=="mini": nh.SIZE=16; nh.BOXES=4; nh.DECOYS=2
            s=nh.hard_needle_set(num,sd,contrast)
        elif name=="needle":
            s0=needle_set(num,sd); s=nh.DASEvidenceSet(s0.images,s0.labels,F.one_hot(s0.needles,s0.images.size(4)).bool())
        else:
            st=real_backgrounds("DATA").train; s=planted_set(num,sd,st)
        im=s.images
        if noise=="rice":
            g=torch.Generator().manual_seed(sd+77); im=(im.square()+torch.randn(im.shape,generator=g).square()).sqrt()
        return im,s.labels,s.evidence
    sets={"train":make(n,seed),"val":make(300,seed+1)}
    return image_data(sets,DASNeedleCNN,64,2,DASRandFlipShift(0.5,2),28)

def adrenal_data(frac_fold=0,folds=4):
    from monai.networks.nets import ResNet
    z=np.load("DATA/adrenal3d/adrenalmnist3d.npz")
    X=torch.from_numpy(z["train_images"]); y=torch.from_numpy(z["train_labels"]).long().flatten()
    # slice_dim 0 -> last
    X=(X.permute(0,2,3,1)[:,None].float()/255.0)
    g=torch.Generator().manual_seed(123); perm=torch.randperm(len(X),generator=g)
    va=perm[frac_fold::folds]; tr=torch.ones(len(X),dtype=torch.bool); tr[va]=False
    sets={"train":(X[tr],y[tr],None),"val":(X[va],y[va],None)}
    bb=lambda: ResNet(block="basic",layers=[1,1,1,1],block_inplanes=[16,32,64,128],spatial_dims=2,n_input_channels=1,conv1_t_size=3,conv1_t_stride=2,no_max_pool=True,feed_forward=False)
    return image_data(sets,bb,128,2,DASRandFlipShift(0.5,2),28)

def main(argv=None):
    p=argparse.ArgumentParser()
    for n,d in dict(data="hard",method="das",teacher="loo",trainmode="sys",testmode="strat",noise="gauss").items(): p.add_argument("--"+n,default=d)
    for n,d in dict(seed=0,depth=32,k=4,epochs=20,batch=16,fold=0,verbose=0,n=1500).items(): p.add_argument("--"+n,type=int,default=d)
    for n,d in dict(lr=1e-3,wd=.01,warm=.1,dropout=0.0,tau=1.0,hold=.5,end=.7,share0=1.0,share1=.5,lesson=10.0,penalty=0.001,power=1.0,slices=0.0).items(): p.add_argument("--"+n,type=float,default=d)
    for n in ("own","double","nosure","widebase","randstart","ht","lin"): p.add_argument("--"+n,type=int,default=dict(randstart=1).get(n,0))
    p.add_argument("--tag",default="")
    p.add_argument("--threads",type=int,default=1)
    o=p.parse_args(argv); t0=time.time(); torch.set_num_threads(o.threads)
    if o.data=="adrenal": data=adrenal_data(o.fold)
    elif o.data=="lgg":
        import lggset; data=lggset.data(o)
    else: data=needle_data(o.data,o.depth,o.noise,o.n,5000+10*o.fold)
    net,log=train(data,o)
    modes=[("top",1.0)]+[(m,t) for m in("sys","strat") for t in sorted({.25,.5,1.0,o.tau})]
    if o.method in("uniform",): modes=[("sys",1.0)]
    if o.method in("topvar",): modes=[("top",1.0)]
    r=evaluate(net,data,o,"val",modes)
    keep={k:v for k,v in vars(o).items() if v!=p.get_default(k)}
    print(json.dumps({"cpu":round(time.process_time()),"o":keep,"r":r,"s":round(time.time()-t0),"log":log[::4]}),flush=True)
    return net,data,o
if __name__=="__main__": main()
