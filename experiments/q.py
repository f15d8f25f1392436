"""Run the lines of a job file one after another in one process; lines may be added while it runs."""
import sys,time,shlex,traceback,os
import lab
done=0; f=sys.argv[1]
while True:
    lines=[l for l in open(f).read().split("\n") if l.strip() and not l.startswith("#")]
    if done<len(lines):
        l=lines[done]; done+=1
        if l.strip()=="stop": break
        try: lab.main(shlex.split(l))
        except Exception: traceback.print_exc()
    else: time.sleep(5)
