/*
 * Model e: deletion against appends, rolls and takeovers (QuorumBuffer). Segment 0 is Open on members 0, 1, 2; segment 1,
 * if it is opened, lives on members 1, 2, 3: a fence of the wrong segment's members would not be enough.
 *
 * Who acts: the writer of epoch 1, which may roll, and never learns that it is dead; a taker of epoch 2; the deleter,
 * which may stop anywhere and be run again; 4 replicas.
 * Property (INV-40): once "Deleted" was answered, no append begun after it is acknowledged. An append begun before may
 * still hear Ok, late, since two acknowledgements may be on their way (MUT_COUNT_BEGUN_BEFORE refutes the stricter reading).
 */
#define DELETED 9
#define NONE 7

byte epoch = 1;            /* the epoch key */
bit isOpen0 = 1, isOpen1 = 0;  /* segment states: Open or Recovering */
bit exists1 = 0;
byte writes1 = 0;          /* epoch that opened segment 1 */
byte prom[4];              /* promised epoch; DELETED is above all */
bit answered = 0;          /* "Deleted" was told to a caller */

/* One append begun after the answer, sent to a segment; members that accepted it. */
byte lateIn = NONE;
bit late[4];
#ifdef MUT_COUNT_BEGUN_BEFORE
#define mayBegin true
#else
#define mayBegin answered
#endif
#ifdef MUT_NO_EPOCH_COMPARE
#define epochOk(e) true
#else
#define epochOk(e) (epoch == e)
#endif
#ifdef MUT_NO_FENCE
#define FENCES 0
#else
#ifdef MUT_ONE_FENCE
#define FENCES 1
#else
#define FENCES 2           /* n - Qa + 1 */
#endif
#endif

/* A writer session of epoch e: its appends reach members at any time, whatever happened in etcd (section 12). */
#define accepts(r, e) (prom[r] <= e)
inline deliver(r, e) {     /* R2: an append implies the promise */
  late[r] = 1;
  prom[r] = e;
  if
  :: late[0] + late[1] + late[2] + late[3] >= 2 -> assert(!answered)      /* INV-40: Qa distinct members */
  :: else
  fi
}

proctype Session(byte e) {
  do
  :: atomic { mayBegin && lateIn == NONE && e == 1 && writes1 != 1 -> lateIn = 0 }   /* its own Roll ends segment 0 (W10) */
  :: atomic { mayBegin && lateIn == NONE && exists1 && writes1 == e -> lateIn = 1 }
  :: atomic { lateIn == 0 && e == 1 && !late[0] && accepts(0, 1) -> deliver(0, 1) }
  :: atomic { lateIn == 0 && e == 1 && !late[1] && accepts(1, 1) -> deliver(1, 1) }
  :: atomic { lateIn == 0 && e == 1 && !late[2] && accepts(2, 1) -> deliver(2, 1) }
  :: atomic { lateIn == 1 && writes1 == e && !late[1] && accepts(1, e) -> deliver(1, e) }
  :: atomic { lateIn == 1 && writes1 == e && !late[2] && accepts(2, e) -> deliver(2, e) }
  :: atomic { lateIn == 1 && writes1 == e && !late[3] && accepts(3, e) -> deliver(3, e) }
  :: atomic { e == 1 && epochOk(1) && isOpen0 && !exists1 ->              /* Roll: the members of 1 start with promise 0 */
       isOpen0 = 0; exists1 = 1; isOpen1 = 1; writes1 = 1 }
  od
}

proctype Taker() {         /* epoch 2: Acquire, fence two members of the open segment, SealRecOpen */
  byte segment = NONE, n;
  bit done0, done1, done2;
  atomic { epoch == 1 -> epoch = 2 };                                     /* mod_rev(epoch) == r, meta is Live */
  atomic { segment = (exists1 -> 1 : 0) };
  do
  :: atomic { !done0 && prom[segment] <= 2 -> prom[segment] = 2; done0 = 1; n++ }
  :: atomic { !done1 && prom[segment + 1] <= 2 -> prom[segment + 1] = 2; done1 = 1; n++ }
  :: atomic { !done2 && prom[segment + 2] <= 2 -> prom[segment + 2] = 2; done2 = 1; n++ }
  :: atomic { n >= 2 -> break }
  od;
  atomic {                                                                /* SealRecOpen; of segment 1 only SealRec is modelled */
    if
    :: epochOk(2) && segment == 0 && !exists1 -> isOpen0 = 0; exists1 = 1; isOpen1 = 1; writes1 = 2
    :: epochOk(2) && segment == 1 -> isOpen1 = 0
    :: else
    fi };
  atomic { n = 0; done0 = 0; done1 = 0; done2 = 0; segment = 0 }
}

/* DeleteLog; then the members of the open segment; then the answer (D4). May stop anywhere and begin again. */
proctype Deleter() {
  byte segment, n;
  bit open, done0, done1, done2;
again:
#ifdef MUT_SEGMENT_READ_BEFORE                                            /* or a stale read after it: X1 */
  atomic { segment = (exists1 -> 1 : 0); open = (exists1 -> isOpen1 : isOpen0) };
  atomic { epoch = DELETED };
#else
  atomic { epoch = DELETED };                                             /* the Txn ends all writers in etcd */
  atomic { segment = (exists1 -> 1 : 0); open = (exists1 -> isOpen1 : isOpen0) };
#endif
  do
  :: atomic { open && !done0 -> prom[segment] = DELETED; done0 = 1; n++ } /* R2: the tombstone is there */
  :: atomic { open && !done1 -> prom[segment + 1] = DELETED; done1 = 1; n++ }
  :: atomic { open && !done2 -> prom[segment + 2] = DELETED; done2 = 1; n++ }
  :: atomic { !open || n >= FENCES -> answered = 1; goto end }
  :: atomic { n = 0; done0 = 0; done1 = 0; done2 = 0; open = 0; segment = 0; goto again }  /* crash, retry by anyone */
  od;
end:
  atomic { n = 0; done0 = 0; done1 = 0; done2 = 0; open = 0; segment = 0 }
}

init {
  atomic { prom[0] = 1; prom[1] = 1; prom[2] = 1; run Session(1); run Session(2); run Taker(); run Deleter() }
}
