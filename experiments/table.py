"""python table.py REF[:MODE] [TAG[:MODE] ...]: mean AUC over folds and seeds; paired bootstrap over groups against REF."""
import glob, json, sys, re, os
import numpy as np
OUT=""
def fast_auc(y,p):
    r=p.argsort().argsort().astype(float); 
    # ties by mean
    u,inv,c=np.unique(p,return_inverse=True,return_counts=True); ce=np.cumsum(c); r=(ce-(c-1)/2-1)[inv]
    n1=y.sum(); n0=len(y)-n1
    return (r[y==1].sum()-n1*(n1-1)/2)/(n1*n0) if n1*n0 else np.nan
def load(tag,data="lgg"):
    out={}
    for f in glob.glob(f"{OUT}/{tag}.{data}.f*.json"):
        m=re.search(r"\.f(\d+)\.s(\d+)\.json$",f); z=dict(np.load(f[:-5]+".npz")); j=json.load(open(f)); out[int(m[1]),int(m[2])]=(z,j)
    return out
def pooled(runs,mode):
    # per seed: AUC averaged over folds
    return runs
def main():
    data=os.environ.get("DATA","lgg"); args=sys.argv[1:]; ref=args[0]; tags=args[1:]
    if not tags: tags=sorted({os.path.basename(f).split(f".{data}.")[0] for f in glob.glob(f"{OUT}/*.{data}.f*.json")})
    def parts(t):
        t,_,m=t.partition(":"); return t,m
    R,rm=parts(ref); rr=load(R,data)
    rng=np.random.default_rng(0)
    for t in tags:
        T,m=parts(t); tt=load(T,data)
        if not tt: continue
        s=next(iter(tt.values()))[1]["spec"]
        def default(s): 
            return "full" if s.get("method")=="full" else f"{s['method']}1" if s.get("method") in("even","topvar") else f"{s.get('test','strat')}{s.get('ttau',1):g}{'h' * s.get('ht', 0)}"
        ms=[default(s)] if not m else list(next(iter(tt.values()))[1]["res"]) if m=="all" else m.split(",")
        for mm in ms:
            try: aucs={k:fast_auc(z["y"],z[mm]) for k,(z,j) in tt.items()}
            except KeyError: continue
            common=sorted(set(tt)&set(rr)); mx=rm or (default(next(iter(rr.values()))[1]["spec"]))
            d=[]
            if common and (T,mm)!=(R,mx):
                for _ in range(200):
                    ds=[]
                    for f in {k[0] for k in common}:
                        g=tt[[k for k in common if k[0]==f][0]][0]["group"]; u=np.unique(g); pick=rng.choice(u,len(u)); where={a:np.flatnonzero(g==a) for a in u}; ix=np.concatenate([where[a] for a in pick])
                        for k in common:
                            if k[0]!=f: continue
                            y=tt[k][0]["y"][ix]; ds.append(fast_auc(y,tt[k][0][mm][ix])-fast_auc(y,rr[k][0][mx][ix]))
                    d.append(np.mean(ds))
            q=[j["res"][mm] for z,j in tt.values()]
            av=lambda k: np.mean([x[k] for x in q if k in x]) if any(k in x for x in q) else float("nan")
            per={f:np.mean([a for k,a in aucs.items() if k[0]==f]) for f in sorted({k[0] for k in aucs})}
            full=np.mean([j["res"]["full"]["auc"] for z,j in tt.values()])
            dm=np.mean([aucs[k]-fast_auc(rr[k][0]["y"],rr[k][0][mx]) for k in common]) if common else float("nan")
            print(f"{T:24s}{mm:10s} n={len(aucs):2d} auc {np.mean(list(aucs.values())):.3f} min {min(aucs.values()):.3f} ce {av('ce'):.2f} bal {av('bal'):.3f} rec {av('rec'):.2f} met {av('met'):.2f} prec {av('prec'):.2f} full {full:.3f} | d {dm:+.3f} ({np.quantile(d,.025) if d else 0:+.3f},{np.quantile(d,.975) if d else 0:+.3f}) | "+" ".join(f"{v:.3f}" for v in per.values()))
main()
