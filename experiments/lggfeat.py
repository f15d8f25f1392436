import torch, numpy as np, nibabel as nib, csv, time
from torch.nn import functional as F
torch.set_num_threads(1)
from monai_das.networks import DASEfficientNetLite0
root="DATA/lgg_flair/"
rows=list(csv.DictReader(open(root+"cases.csv"))); sl=list(csv.DictReader(open(root+"slices.csv")))
net=DASEfficientNetLite0(1,pretrained=True,frozen=True).eval()
out={}
t0=time.time()
for i,r in enumerate(rows):
    v=torch.from_numpy(np.asarray(nib.load(root+r["image"]).dataobj)).float()
    v=(v-v.min())/(v.max()-v.min())
    x=v.permute(2,0,1)[:,None]
    x128=F.interpolate(x,size=(128,128),mode="area"); x64=F.interpolate(x,size=(64,64),mode="area")
    fs=[]
    with torch.no_grad():
        for ax in ([],[2],[3],[2,3]):
            y=x128.flip(ax) if ax else x128
            fs.append(torch.cat([ (lambda o:o if o.dim()==2 else o.flatten(2).mean(2))(net(c)) for c in y.split(16)]))
    tp=torch.tensor([int(s["tumour_pixels"]) for s in sl if s["case"]==r["case"]])
    assert len(tp)==len(x),(r["case"],len(tp),x.shape)
    out[r["case"]]=dict(f=torch.stack(fs).half(),t=(x64[:,0]*255).round().byte(),tp=tp,loc=int(r["location_code"]) if r["location_code"].isdigit() else -1)
    if i%10==0: print(i,time.time()-t0,flush=True)
torch.save(out,"lggfeat.pt")
