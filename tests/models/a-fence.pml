/*
 * Model a: fence, recover, seal (QuorumBuffer). One segment, 3 replicas, ack quorum 2.
 *
 * Who acts: the segment's writer (epoch 1; it never dies, so it is a zombie for ever), two recoverers (epochs 2 and 3)
 * that may overtake each other at any statement, three replicas with a volatile queue and a durable journal.
 * Faults: every message lost, late or repeated (a step that is not taken, or taken late); a process crash of any replica
 * at any time, any number of times; ONE durable loss (torn or rotten journal records, R10) on one replica; members that
 * are never reached.
 *
 * An entry is a number 1..N; a prefix is its length, so "last" is durableLast + 1. Content is not modelled: a segment has
 * one writer session, so an entry has one content (section 3). All entries are on the wire from the start; each reaches
 * each replica at any time or never.
 */
#ifdef LONG
#define N 3
#else
#define N 2
#endif
#define NONE 7             /* sealed: not yet */
#define SILENT 7           /* prefix: no reply */
#define NOBODY 3

/* Replicas: acc = accepted into the journal's queue, last = durable prefix. */
byte acc[3], last[3];
byte prom[3];              /* promised epoch; durable, since the reply waits for it (R5) */
byte rotten = NOBODY;      /* the replica that had the one durable loss: its generation changed (R10) */
#define isAmbiguous(r) (rotten == r)

/* Writer: sent = highest acknowledgement that left a replica; acknowledgements are cumulative and true for ever. */
byte sent[3];
byte lac = 0;              /* acknowledged to producers, and the most a reader sees (V1) */
bit stopped = 0;           /* the writer froze L := LAC and sent its seal (section 10, W10) */

/* etcd. */
byte epoch = 1;
byte recovering = 0;       /* 0 = Open, else recoveryEpoch: each StartRec changes mod_rev(seg) */
byte sealed = NONE;        /* lastEntry + 1, fixed for ever */

/* Mutations that are conditions. */
#ifdef MUT_APPEND_OLD_GENERATION
#define servesAppend(r) (prom[r] <= 1)
#else
#define servesAppend(r) (prom[r] <= 1 && !isAmbiguous(r))                 /* R2, R10 */
#endif
#ifdef MUT_LATE_ACK
#define counts true
#else
#define counts (!stopped)                                                 /* W10: late acks are ignored */
#endif
#ifdef MUT_NO_R6
#define servesCopy(r, e) true
#else
#define servesCopy(r, e) (prom[r] == e)                                   /* R6 */
#endif
#ifdef MUT_SEAL_NO_EPOCH                                                  /* mod_rev(seg) is still compared */
#define ownSealPasses (recovering == 0 && sealed == NONE)
#define recoverySealPasses(e) (recovering == e && sealed == NONE)
#else
#ifdef MUT_SEAL_BLIND                                                     /* a put without compares */
#define ownSealPasses true
#define recoverySealPasses(e) true
#else
#define ownSealPasses (epoch == 1 && recovering == 0 && sealed == NONE)   /* epoch-ok, mod_rev(seg) == k */
#define recoverySealPasses(e) (epoch == e && recovering == e && sealed == NONE)
#endif
#endif
#ifdef MUT_UNFENCED_REPLY
#define servesFence(r, e) true
#else
#define servesFence(r, e) (prom[r] <= e)                                  /* R2 */
#endif
#define replied(r) (prefix[r] != SILENT)
#define replies (replied(0) + replied(1) + replied(2))
#define cleanReplies ((replied(0) && clean[0]) + (replied(1) && clean[1]) + (replied(2) && clean[2]))
#ifdef MUT_AMBIGUOUS_AS_CLEAN
#define caseA (replies >= 2)
#define counted(r) replied(r)
#else
#ifdef MUT_PARTIAL_LIST
#define caseA (replies >= 1)                                              /* woodpecker#320 */
#define counted(r) replied(r)
#else
#define caseA (cleanReplies >= 2)                                         /* T4: n - Qa + 1 */
#define counted(r) (replied(r) && (clean[r] || cleanReplies < 2))         /* case A: the Clean ones; case B: all */
#endif
#endif
#define claimsAll(r) (replied(r) && prefix[r] >= m)
#define claims (claimsAll(0) + claimsAll(1) + claimsAll(2))
#define holds(r) (last[r] >= m || (rotten == r && claimsAll(r)))          /* INV-17: less losses after the reply */

inline flush(r) {          /* one group commit; the acknowledgement leaves after fdatasync returned (J1, R4) */
  last[r] = acc[r];
#ifndef MUT_ACK_BEFORE_FSYNC
  if :: last[r] > sent[r] && prom[r] <= 1 -> sent[r] = last[r] :: else fi
#endif
}

inline sealAt(x, e) {      /* a Txn of epoch e that fixes lastEntry */
  assert(sealed == NONE);                                                 /* INV-15 */
  assert(epoch == e);                                                     /* INV-18 */
  sealed = x;
  assert(lac <= sealed)                                                   /* INV-16, INV-8 */
}

#define confirmed(x) ((sent[0] >= x) + (sent[1] >= x) + (sent[2] >= x) >= 2)   /* W4 */

proctype Writer() {
  do                                                                      /* W5: as many of the acks as arrived by now */
  :: atomic { counts && confirmed(lac + 1) -> lac++; assert(sealed == NONE || lac <= sealed) } /* INV-16, INV-8 */
#ifdef MUT_READ_PAST_LAC                                                  /* a reader trusts one member's local tail */
  :: atomic { lac < last[0] && sealed == NONE -> lac = last[0] }
#endif
  :: atomic { !stopped -> stopped = 1;                                    /* SealOwn or Roll at L = LAC */
       if :: ownSealPasses -> sealAt(lac, 1) :: else fi }
  od
}

/* What a replica does of its own accord. */
proctype Replica(byte r) {
  do
  :: atomic { acc[r] < N && servesAppend(r) && sealed == NONE -> acc[r]++;  /* Append of epoch 1 (R2, R3, R10) */
#ifdef MUT_ACK_BEFORE_FSYNC
       if :: acc[r] > sent[r] -> sent[r] = acc[r] :: else fi
#endif
     }
  :: atomic { last[r] < acc[r] -> flush(r) }
  :: atomic { last[r] < acc[r] -> acc[r] = last[r] }                      /* kill -9: the queue is gone, the disk is not */
#ifdef MUT_VOLATILE_PROMISE                                               /* BookKeeper BP-46: the fence is in memory */
  :: atomic { prom[r] > 1 -> acc[r] = last[r]; prom[r] = 1 }
#endif
  :: atomic { rotten == NOBODY -> rotten = r;                             /* the boot scan notices a loss (J9, R10) */
       if :: last[r] >= 0 :: last[r] >= 1 -> last[r]-- :: last[r] >= 2 -> last[r] = last[r] - 2 fi;
       acc[r] = last[r];
       if :: prom[r] >= 1 :: prom[r] >= 2 -> prom[r] = prom[r] - 1 :: prom[r] >= 3 -> prom[r] = 1 fi }
  od
}

/* R5: promise, make it and everything queued before it durable, then reply. */
inline fence(r) {
#ifndef MUT_UNFENCED_REPLY                                                /* BookKeeper#2614 */
  prom[r] = e;
#endif
#ifdef MUT_REPLY_BEFORE_QUEUE                                             /* woodpecker 5accacd: queued ones are acked later */
  prefix[r] = last[r];
  last[r] = acc[r]; sent[r] = (last[r] > sent[r] -> last[r] : sent[r]);
#else
  last[r] = acc[r];
  prefix[r] = last[r];
#endif
  clean[r] = !isAmbiguous(r)
}

inline highest(r) { if :: counted(r) && prefix[r] > m -> m = prefix[r] :: else fi }
inline lowest(r) { if :: counted(r) && prefix[r] < m -> m = prefix[r] :: else fi }

proctype Recoverer(byte e) {
  byte prefix[3];          /* durableLast of the reply that counts, or SILENT */
  bit clean[3];
  byte m;                  /* the decided end */

  atomic { prefix[0] = SILENT; prefix[1] = SILENT; prefix[2] = SILENT;
    if :: epoch < e -> epoch = e :: else -> goto done fi };               /* T1 Acquire */
  atomic { if :: epoch == e && sealed == NONE -> recovering = e :: else -> goto done fi }; /* T2 StartRec */

ask:
  do                                                                      /* T3 */
  :: atomic { !replied(0) && servesFence(0, e) -> fence(0) }
  :: atomic { !replied(1) && servesFence(1, e) -> fence(1) }
  :: atomic { !replied(2) && servesFence(2, e) -> fence(2) }
  :: atomic { caseA || replies == 3 ->                                    /* T4 */
#ifdef MUT_MIN
       m = N; lowest(0); lowest(1); lowest(2);
#else
       m = 0; highest(0); highest(1); highest(2);
#endif
       assert(m >= lac);                                                  /* T5 never contradicts a correct end */
       break }
  od;

#ifndef MUT_NO_WRITE_BACK                                                 /* woodpecker#252, #327 */
  do                                                                      /* T6: until two members hold 0..M */
  :: atomic { claims >= 2 -> break }
  :: atomic { claims < 2 && replied(0) && !claimsAll(0) && servesCopy(0, e) ->
       if :: last[1] >= m && claimsAll(1) || last[2] >= m && claimsAll(2) -> last[0] = m; acc[0] = m; prefix[0] = m
          :: else -> m = 0; prefix[0] = SILENT; prefix[1] = SILENT; prefix[2] = SILENT; goto ask fi }
  :: atomic { claims < 2 && replied(1) && !claimsAll(1) && servesCopy(1, e) ->
       if :: last[0] >= m && claimsAll(0) || last[2] >= m && claimsAll(2) -> last[1] = m; acc[1] = m; prefix[1] = m
          :: else -> m = 0; prefix[0] = SILENT; prefix[1] = SILENT; prefix[2] = SILENT; goto ask fi }
  :: atomic { claims < 2 && replied(2) && !claimsAll(2) && servesCopy(2, e) ->
       if :: last[0] >= m && claimsAll(0) || last[1] >= m && claimsAll(1) -> last[2] = m; acc[2] = m; prefix[2] = m
          :: else -> m = 0; prefix[0] = SILENT; prefix[1] = SILENT; prefix[2] = SILENT; goto ask fi }
  :: atomic { claims < 2 && replies < 3 -> m = 0; goto ask }              /* the copy failed: ask more members */
  od;
#endif

  atomic {                                                                /* T7 SealRec, SealRecOpen */
    if
    :: recoverySealPasses(e) ->
       assert(holds(0) + holds(1) + holds(2) >= 2);                       /* INV-17 */
       sealAt(m, e)
    :: else
    fi };
done:
  atomic { m = 0; prefix[0] = 0; prefix[1] = 0; prefix[2] = 0; clean[0] = 0; clean[1] = 0; clean[2] = 0 }
}

init {
  atomic {
    prom[0] = 1; prom[1] = 1; prom[2] = 1;
    run Writer(); run Replica(0); run Replica(1); run Replica(2); run Recoverer(2); run Recoverer(3)
  }
}
