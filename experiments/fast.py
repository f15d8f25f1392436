"""Fast trials of DASSampler's second edition: one JSON line and one file of predictions for each training, resumable."""
import copy, json, math, os, sys, time
import numpy as np, torch
from torch import nn
from torch.nn import functional as F
torch.set_num_threads(1)
sys.path.insert(0, "")
from monai_das.samplers.das_parts import KNOWN, WIDTH, SliceEncoder, slice_tokens, score_head
from monai_das.samplers.slice_context import SliceAttention
from monai_das.samplers.selection import widened
from monai_das.samplers.design import slice_probabilities, systematic, stratified, starts
from monai_das.networks.aggregation import DASAttentionAggregation
from sklearn.metrics import roc_auc_score
OUT = ""; os.makedirs(OUT, exist_ok=True)
DEFAULT = dict(data="lgg", fold=0, seed=0, k=3, epochs=20, batch=16, lr=1e-3, wd=.01, warm=.3, dropout=.2, method="das", teacher="loo",
    train="sys", test="strat", tau=1.0, ttau=1.0, rand=1, share=1.0, double=1, end=1.0, lin=0, own=0, kd=0.0, kdt=1.0, ht=0, lesson=10.0, power=1.0, pen=.001,
    bound=8.0, slr=1.0, hold=.5, wend=.7, prior=0, noise="gauss", depth=32, n=1500, size=28, nval=300, few=1.0, wfull=1.0, jit=0, mix=0.0, place=1, uni=0.0, dets=0, adapt=0, sure=0, dpow=1.0, mixp=0.0, shrink=0.0, ksure=0, asure=0, right=0, norm=0, cov=0, ramp=0, nal=0, ownhead=0, gam=0.5, sink=0)

class Scorer(nn.Module):
    def __init__(s, o):
        super().__init__(); s.encoder = SliceEncoder(grid=32); s.token = nn.Linear(KNOWN, WIDTH); s.attention = SliceAttention(WIDTH, 4); s.head = score_head(4); s.o = o
    def forward(s, thumbs, lengths):
        looks = s.encoder(thumbs, lengths); t = slice_tokens(looks)
        if not s.o.place: t = torch.cat((t[..., :-2], torch.zeros_like(t[..., -2:])), -1)
        t = s.attention(s.token(t), looks.mask); b = s.o.bound
        r = b * torch.tanh(s.head(t).mean(2) / b)
        if s.o.prior: r = looks.logs[:, 0] + r
        return r, looks

class Net(nn.Module):
    def __init__(s, d, o):
        super().__init__(); nf = d["nf"]; c = d["classes"]
        s.backbone = d["backbone"](); s.att = DASAttentionAggregation(nf); s.head = nn.Linear(nf, c); s.drop = nn.Dropout(o.dropout); s.o = o
        if o.own: s.tatt = DASAttentionAggregation(nf); s.thead = nn.Linear(nf, c)
        s.scorer = Scorer(o)
        s.gamma = nn.Parameter(torch.tensor(float(o.gam))); s.shead = nn.Linear(nf, c) if o.ownhead else None; s.sink = nn.Parameter(torch.zeros(1))
    def answer(s, h, al, extra=None, who="student"):
        head = s.thead if s.o.own and who == "teacher" else s.shead if s.o.ownhead and who == "student" else s.head
        al = al if extra is None else al + extra
        if s.o.sink: a = torch.softmax(torch.cat((al, s.sink.expand(len(al), 1)), 1), 1)[:, :-1]
        else: a = torch.softmax(al, 1)
        bag = (h * a[..., None]).sum(1)
        return head(s.drop(bag)), a, bag, head
    def al(s, h, who="student"):
        return (s.tatt if s.o.own and who == "teacher" else s.att).logits(h)

def loo(a, h, bag, head, p=1.):
    dl = F.linear(bag[:, None] - h, head.weight); dl = dl - dl.mean(-1, keepdim=True)
    return a / (1 - a).clamp(min=1e-4) * dl.norm(dim=-1) ** p

def pick(scores, looks, counts, rows, mode, tau, rand, o):
    el = looks.share >= .01
    if mode == "topvar": return torch.topk(looks.logs[:, 0], rows, 1).indices.sort(1).values, None
    if mode == "even": scores = torch.zeros_like(scores)
    real = looks.mask
    if mode == "top":
        return torch.topk(torch.where(el, scores, -1e30 * (1.01 - looks.share)), rows, 1).indices.sort(1).values, None
    t = tau
    if isinstance(tau, torch.Tensor): t = tau[:, None]
    lg = scores.detach().double() / t
    if o.uni > 0:
        p = torch.softmax(lg.masked_fill(~el, -1e30), 1); lg = torch.log((1 - o.uni) * p + o.uni * el / el.sum(1, keepdim=True).clamp(min=1) + 1e-30)
    pi = slice_probabilities(lg, counts, el, real); st = starts(scores, bool(rand))
    idx = systematic(pi, rows, st) if mode in ("sys", "even") else stratified(pi, scores.detach().masked_fill(~el, -1e30), rows, st)
    return idx, pi

def train(d, o):
    torch.manual_seed(o.seed); N = d["n"]; D = d["depth"]
    net = Net(d, o); ema = copy.deepcopy(net).eval()
    sc = [p for n, p in net.named_parameters() if n.startswith("scorer")]; rest = [p for n, p in net.named_parameters() if not n.startswith("scorer")]
    opt = torch.optim.AdamW([dict(params=rest, lr=o.lr), dict(params=sc, lr=o.lr * o.slr)], lr=o.lr, weight_decay=o.wd, fused=True)
    per = N // o.batch; total = o.epochs * per
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, [o.lr, o.lr * o.slr], total_steps=total, pct_start=o.warm)
    P = list(net.parameters()); Q = list(ema.parameters()); bn = [(a, b) for a, b in zip(ema.buffers(), net.buffers())]
    step = 0; net.train(); log = []
    for ep in range(o.epochs):
        order = torch.randperm(N); acc = np.zeros(4)
        for b in range(per):
            ids = order[b * o.batch:(b + 1) * o.batch]; B = len(ids); frac = step / total
            thumbs, feed, y = d["batch"](ids, True); lengths = torch.full((B,), D)
            m = o.method; loss = 0.
            if m in ("das", "first"): scores, looks = net.scorer(thumbs, lengths)
            else:
                with torch.no_grad(): looks = net.scorer.encoder(thumbs, lengths); scores = torch.zeros(B, D)
            if m == "full":
                h = d["feats"](net, feed, None); lg, a, bag, _ = net.answer(h, net.al(h), who='teacher'); loss = F.cross_entropy(lg, y)
            elif m in ("even", "topvar"):
                idx, _ = pick(scores, looks, lengths.clamp(max=o.k), o.k, m, 1., o.rand, o)
                h = d["feats"](net, feed, idx); lg, *_ = net.answer(h, net.al(h)); loss = F.cross_entropy(lg, y)
            elif m == "first":  # the first edition: the budget shrinks for all cases, attention times sureness teaches
                w = 1. if frac < o.hold else 0. if frac >= o.wend else .5 + .5 * math.cos(math.pi * (frac - o.hold) / (o.wend - o.hold))
                counts = widened(torch.full((B,), o.k), lengths, w); rows = int(counts.max())
                idx, pi = pick(scores, looks, counts, rows, o.train, o.tau, o.rand, o)
                h = d["feats"](net, feed, idx); lg, a, bag, head = net.answer(h, net.al(h)); loss = F.cross_entropy(lg, y)
                if w > 0:
                    e = a.detach(); sure = (1 - torch.special.entr(e).sum(1) / math.log(rows)).clamp(min=0)
                    if o.teacher == "loo": e = loo(e, h.detach(), bag.detach(), head).detach(); e = e / e.sum(1, keepdim=True); sure = torch.ones(B)
                    ls = torch.log_softmax(scores.gather(1, idx), 1)
                    loss = loss + o.lesson * w * (sure * (e * (torch.log(e.clamp(min=1e-12)) - ls)).sum(1)).mean()
                loss = loss + o.pen * scores.square().mean()
            else:
                share = o.share if frac < o.end else 0.
                if o.lin: share = o.share * (.5 + .5 * math.cos(math.pi * min(1, frac / o.end)))
                u = torch.rand(()); wh = torch.floor(share * torch.arange(B + 1) + u); wide = wh[1:] > wh[:-1]
                w = .5 + .5 * math.cos(math.pi * frac / o.shrink) if o.shrink and frac < o.shrink else 0.
                cnt = widened(lengths.clamp(max=o.k), lengths, w); rows = int(cnt.max())
                idx, pi = pick(scores, looks, cnt, rows, o.train, o.tau, o.rand, o)
                need = torch.zeros(B, D, dtype=torch.bool).scatter(1, idx, True); need[wide] = True
                H = d["some"](net, feed, need)  # B D F
                nw = int(wide.sum()); sub = torch.ones(B, dtype=torch.bool) if o.double else ~wide
                full = None
                if nw:
                    hw = H[wide]; lgw, a, bag, head = net.answer(hw, net.al(hw, "teacher"), who="teacher")
                    ce = F.cross_entropy(lgw, y[wide], reduction="sum"); loss = loss + o.wfull * ce / B; acc[0] += float(ce.detach()) / nw
                    with torch.no_grad():
                        e = a.detach(); sure = torch.ones(nw)
                        if o.sink: e = e / e.sum(1, keepdim=True).clamp(min=1e-9)
                        if o.teacher == "att": sure = (1 - torch.special.entr(e).sum(1) / math.log(D)).clamp(min=0)
                        elif o.teacher == "attp": pass
                        elif o.teacher == "rep":
                            z = hw.detach(); dl = F.linear(z - z.mean(1, keepdim=True), head.weight); dl = dl - dl.mean(-1, keepdim=True); e = (a.detach() * dl.norm(dim=-1)).pow(o.power)
                        else: e = loo(a.detach(), hw.detach(), bag.detach(), head, o.dpow).pow(o.power)
                        el = (looks.share >= .01)[wide]; e = e * el; e = e / e.sum(1, keepdim=True).clamp(min=1e-12)
                        if o.asure: sure = (1 - torch.special.entr(a.detach()).sum(1) / math.log(D)).clamp(min=0)
                        if o.sure: sure = (1 - torch.special.entr(e).sum(1) / math.log(D)).clamp(min=0)
                        if o.right: sure = sure * torch.softmax(lgw, 1).gather(1, y[wide, None])[:, 0]
                        if o.norm: sure = sure / sure.mean().clamp(min=1e-6)
                    ls = torch.log_softmax(scores[wide].masked_fill(~el, -1e30), 1)
                    kl = (e * (torch.log(e.clamp(min=1e-12)) - ls).masked_fill(~el, 0)).sum(1)
                    loss = loss + o.lesson * (sure * kl).mean(); acc[2] += float(kl.detach().mean()); acc[3] += float(torch.special.entr(e).sum(1).mean())
                if sub.any() and o.few > 0:
                    G = idx[sub]; hs = H[sub].gather(1, G[..., None].expand(-1, -1, H.size(2)))
                    if o.dets: hs = hs.detach()
                    ex = -torch.log(pi[sub].gather(1, G).float().clamp(min=1e-6)) if o.ht else None
                    if o.ht == 2: ex = ex * net.gamma
                    lgs, *_ = net.answer(hs, net.al(hs), ex)
                    ce = F.cross_entropy(lgs, y[sub], reduction="none")
                    if o.kd and nw:
                        t = torch.full((B,), -1); t[wide] = torch.arange(nw); t = t[sub]
                        with torch.no_grad(): q = torch.softmax(lgw.detach()[t.clamp(min=0)] / o.kdt, 1)
                        kdl = (q * (torch.log(q.clamp(min=1e-9)) - torch.log_softmax(lgs, 1))).sum(1)
                        if o.ksure: kdl = kdl * (1 - torch.special.entr(q).sum(1) / math.log(q.size(1)))
                        ce = torch.where(t >= 0, (1 - o.kd) * ce + o.kd * kdl, ce)
                    if o.cov and nw:
                        E = torch.full((B, D), 1. / D); E[wide] = e if o.cov == 1 else a.detach()
                        ce = ce * E[sub].gather(1, G).sum(1) ** (1 if o.cov < 3 else .5)
                    if o.ramp: ce = ce * min(1., frac / o.ramp)
                    loss = loss + o.few * ce.sum() / (B if not o.double else sub.sum()); acc[1] += float(ce.detach().mean())
                    if o.mixp:
                        pick_few = torch.rand(B) < o.mixp
                        cw = F.cross_entropy(torch.where(pick_few[:, None], lgs, lgw), y)
                        loss = cw + o.kd * kdl.mean() + o.lesson * (sure * kl).mean()
                loss = loss + o.pen * scores.square().mean()
            opt.zero_grad(); loss.backward(); opt.step(); sched.step(); step += 1
            with torch.no_grad():
                w = 1 / (1 + .1 * (step - 1)); torch._foreach_lerp_(Q, P, w)
                for p, q in bn: p.copy_(q)
        log.append([round(float(v), 3) for v in acc / per])
    return ema, log

def evaluate(net, d, o):
    D = d["depth"]; res = {}; ps = {}; met = {}; rec = {}; prec = {}
    if o.method == "full": modes = []
    elif o.method in ("even", "topvar"): modes = [(o.method, 1., 0)]
    else:
        modes = [("top", 1., 0), (o.test, o.ttau, o.ht)] + [(m, t, h) for m in ("sys", "strat") for t in (.5, 1., 2.) for h in dict.fromkeys((0, 1, o.ht))]
        if o.method == "das" : modes += [("teacher", 1., 0)]
        if d["ev"] is not None: modes += [("truth", 1., 0)]
    modes = list(dict.fromkeys(modes)); n = d["nval"]
    with torch.no_grad():
        for s in range(0, n, 32):
            ids = torch.arange(s, min(s + 32, n)); B = len(ids)
            thumbs, feed, y = d["vbatch"](ids); lengths = torch.full((B,), D)
            H = d["feats"](net, feed, None)
            lg, a, bag, head = net.answer(H, net.al(H, "teacher"), who="teacher"); ps.setdefault("full", []).append(lg.softmax(1))
            ps.setdefault("full_by_student", []).append(net.answer(H, net.al(H))[0].softmax(1))
            scores, looks = net.scorer(thumbs, lengths); ev = d["ev"][ids] if d["ev"] is not None else None
            for mode, t, h in modes:
                nm = f"{mode}{t:g}{'h' * h}"; sc, md = scores, mode
                if mode == "teacher": sc, md = torch.log(loo(a, H, bag, head).clamp(min=1e-9)), "strat"
                if mode == "truth": sc, md = 50. * ev + torch.zeros(B, D), "sys"
                idx, pi = pick(sc, looks, lengths.clamp(max=o.k), o.k, md, t, 0, o)
                hs = H.gather(1, idx[..., None].expand(-1, -1, H.size(2)))
                ex = -torch.log(pi.gather(1, idx).float().clamp(min=1e-6)) if h and pi is not None else None
                if h == 2 and pi is not None: ex = ex * net.gamma
                ps.setdefault(nm, []).append(net.answer(hs, net.al(hs), ex)[0].softmax(1))
                if ev is not None:
                    g = ev.gather(1, idx); has = ev.any(1)
                    rec.setdefault(nm, []).append((g.sum(1) / ev.sum(1).clamp(min=1, max=o.k))[has]); met.setdefault(nm, []).append(g.any(1)[has].float()); prec.setdefault(nm, []).append(g.float().mean(1)[has])
    y = d["vy"].numpy(); keep = {}
    for nm, v in ps.items():
        p = torch.cat(v); keep[nm] = p[:, 1].numpy()
        r = dict(auc=round(float(roc_auc_score(y, p[:, 1])), 4), ce=round(float(F.nll_loss(p.clamp(min=1e-7).log(), d["vy"])), 3))
        pr = p[:, 1].numpy() > .5; r["bal"] = round(float((pr[y == 1].mean() + (~pr)[y == 0].mean()) / 2), 3)
        if nm in rec: r["rec"] = round(float(torch.cat(rec[nm]).mean()), 3); r["met"] = round(float(torch.cat(met[nm]).mean()), 3); r["prec"] = round(float(torch.cat(prec[nm]).mean()), 3)
        res[nm] = r
    return res, keep

# ---------------------------------------------------------------- data
CACHE = {}
def lgg(o):
    import lggset
    key = ("lgg", o.fold)
    if key in CACHE: return CACHE[key]
    class A: fold = o.fold; verbose = 0
    raw, pats = lggset.tables(A, 4)
    t, f, y, g = raw["train"]; tv, fv, yv, ev, gv = *raw["val"][:3], raw["val_ev"], raw["val"][3]
    N = len(y); f = f.contiguous(); ar = torch.arange
    def batch(ids, aug):
        B = len(ids); fl = torch.rand(B, 3) < .5; x = t[ids]; v = fl[:, 0].long() + 2 * fl[:, 1].long()
        x = torch.where(fl[:, 0, None, None, None, None], x.flip(2), x); x = torch.where(fl[:, 1, None, None, None, None], x.flip(3), x); x = torch.where(fl[:, 2, None, None, None, None], x.flip(4), x)
        ft = f[ids, v]; ft = torch.where(fl[:, 2, None, None], ft.flip(1), ft)
        return x, ft, y[ids]
    def vbatch(ids): return tv[ids], fv[ids, 0], yv[ids]
    def feats(net, feed, idx): return feed if idx is None else feed.gather(1, idx[..., None].expand(-1, -1, feed.size(2)))
    CACHE[key] = dict(n=N, nval=len(yv), depth=12, nf=f.size(-1), classes=2, backbone=nn.Identity, batch=batch, vbatch=vbatch, feats=feats, some=lambda net, feed, need: feed, ev=ev, vy=yv, group=gv)
    return CACHE[key]

def images(X, y, Xv, yv, ev, backbone, nf, aug, classes=2):
    def batch(ids, a): x = aug(X[ids].float()); return x, x, y[ids]
    def vbatch(ids): x = Xv[ids].float(); return x, x, yv[ids]
    def run(net, imgs): f = net.backbone(imgs); return f if f.dim() == 2 else f.flatten(2).mean(2)
    def feats(net, x, idx):
        z = x.permute(0, 4, 1, 2, 3)
        if idx is not None: z = z[torch.arange(len(z))[:, None], idx]
        return run(net, z.flatten(0, 1)).view(z.size(0), z.size(1), nf)
    def some(net, x, need):
        z = x.permute(0, 4, 1, 2, 3); H = torch.zeros(*need.shape, nf); H[need] = run(net, z[need]); return H
    return dict(n=len(y), nval=len(yv), depth=X.size(4), nf=nf, classes=classes, backbone=backbone, batch=batch, vbatch=vbatch, feats=feats, some=some, ev=ev, vy=yv, group=np.arange(len(yv)))

def made(o):
    import benchmarks.sets.needle_hard as nh
    from benchmarks import DASNeedleCNN
    from benchmarks.sets import planted_set, real_backgrounds
    from monai_das.transforms import DASRandFlipShift
    key = (o.data, o.noise, o.depth, o.n, o.size)
    if key in CACHE: return CACHE[key]
    def make(num, sd):
        if o.data == "hard":
            nh.DEPTH = o.depth; nh.SIZE = o.size
            s = nh.hard_needle_set(num, sd, 7.0)
        else: s = planted_set(num, sd, real_backgrounds("DATA").train)
        im = s.images
        if o.noise == "rice": im = (im.square() + torch.randn(im.shape, generator=torch.Generator().manual_seed(sd + 77)).square()).sqrt()
        return im, s.labels, s.evidence
    X, y, _ = make(o.n, 5000); Xv, yv, ev = make(o.nval, 5001)
    CACHE[key] = images(X, y, Xv, yv, ev, DASNeedleCNN, 64, DASRandFlipShift(0.5, 2)); return CACHE[key]

def adrenal(o):
    from monai.networks.nets import ResNet
    from monai_das.transforms import DASRandFlipShift
    key = ("adrenal", o.fold)
    if key in CACHE: return CACHE[key]
    z = np.load("DATA/adrenal3d/adrenalmnist3d.npz"); X = torch.from_numpy(z["train_images"]); y = torch.from_numpy(z["train_labels"]).long().flatten()
    X = X.permute(0, 2, 3, 1)[:, None].float() / 255.
    perm = torch.randperm(len(X), generator=torch.Generator().manual_seed(123)); va = perm[o.fold::4]; tr = torch.ones(len(X), dtype=torch.bool); tr[va] = False
    bb = lambda: ResNet(block="basic", layers=[1, 1, 1, 1], block_inplanes=[16, 32, 64, 128], spatial_dims=2, n_input_channels=1, conv1_t_size=3, conv1_t_stride=2, no_max_pool=True, feed_forward=False)
    CACHE[key] = images(X[tr], y[tr], X[va], y[va], None, bb, 128, DASRandFlipShift(0.5, 2)); return CACHE[key]

def run(spec, tag):
    o = type("O", (), {**DEFAULT, **spec}); name = f"{tag}.{o.data}.f{o.fold}.s{o.seed}"
    if os.path.exists(f"{OUT}/{name}.json"): return
    t0 = time.time(); d = lgg(o) if o.data == "lgg" else adrenal(o) if o.data == "adrenal" else made(o)
    net, log = train(d, o); res, keep = evaluate(net, d, o)
    np.savez_compressed(f"{OUT}/{name}.npz", y=d["vy"].numpy(), group=d["group"], **keep)
    if spec.get("keep"): torch.save(net.state_dict(), f"{OUT}/{name}.pt")
    json.dump(dict(tag=tag, spec=spec, res=res, gamma=float(net.gamma.detach()), log=log[:: max(1, len(log) // 5)] + [log[-1]], s=round(time.time() - t0, 1)), open(f"{OUT}/{name}.json.t", "w")); os.rename(f"{OUT}/{name}.json.t", f"{OUT}/{name}.json")
    m = "full" if o.method == "full" else f"{o.method}1" if o.method in ("even", "topvar") else f"{o.test}{o.ttau:g}{'h' * o.ht}"
    print(time.strftime("%H:%M:%S"), name, f"{time.time()-t0:.0f}s", m, res[m], "full", res["full"]["auc"], flush=True)

def main():
    """python fast.py JOBFILE: lines 'TAG {json} folds seeds', read again after each line; 'stop' ends."""
    done = 0; f = sys.argv[1]
    while True:
        lines = [l for l in open(f).read().split("\n") if l.strip() and not l.startswith("#")]
        if done >= len(lines): time.sleep(2); continue
        l = lines[done]; done += 1
        if l.strip() == "stop": break
        tag, rest = l.split(" ", 1); spec, folds, seeds = rest.rsplit(" ", 2); spec = json.loads(spec)
        for s in seeds.split(","):
            for fo in folds.split(","): run({**spec, "fold": int(fo), "seed": int(s)}, tag)
if __name__ == "__main__": main()
