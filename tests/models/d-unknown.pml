/*
 * Model d: transactions whose answer is lost, and reads that are stale. Segment 0 is Open under epoch 1.
 *
 * Who acts: the writer of epoch 1 rolls segment 0 into segment 1; a taker acquires, recovers and does SealRecOpen; a
 * rival does the same, each of its steps with a known outcome (LONG: with unknown ones too); an uploader publishes
 * segment 0 once it is sealed; a merge replaces what was published.
 * Faults: a request or its answer is lost; a request arrives late, also after its sender gave up, and after its repetition
 * (at most two copies of one transaction are on the wire); every read may return any older version (X1, etcd#20418).
 *
 * Versions of a key are counted; a compare of mod_revision is a compare of versions. What replicas do at a fence is model
 * a: here a taker learns at once all that was acknowledged, and nothing of epoch 1 is acknowledged in segment 0 after.
 */
#define ROLL 0
#define ACQUIRE 1          /* + taker */
#define SEALREC 3          /* + taker */
#define PUBLISH 5
#define TXNS 6

#define NO_ANSWER 0
#define OK 1
#define FAILED 2

#define OPEN 0
#define RECOVERING 1
#define SEALED 2

#define SENDS 2
#define NOBODY 15
#define OTHER 14

/* etcd: the epoch key; version = epoch, since each change raises it. */
byte epoch = 1;
byte epochNonce[4] = NOBODY;
/* Segment 0. */
byte state0 = OPEN, rev0 = 1, last0 = 0, sealNonce0 = NOBODY, nonce0 = NOBODY;
byte manifest[3] = NOBODY; /* versions of the manifest in key 0 */
byte manifests = 0;
bit jobIsHeld = 1;
/* Segment 1: versions; 0 = absent. */
byte rev1 = 0;
byte nonce1[4] = NOBODY;
byte openedBy = NOBODY;    /* which transaction created the key, ever */

/* Transactions. */
byte onWire[TXNS], sends[TXNS];
byte answer[TXNS];
bit sawMine[TXNS];         /* in the answer FAILED: the deciding key, read in that very transaction */
bit hasLanded[TXNS];
bit waits[TXNS];           /* its sender still wants an answer */
bit gaveUp[TXNS];          /* its sender concluded "lost" */
byte k0[TXNS];             /* the compared version of segment 0, or of the epoch (ACQUIRE) */
byte reign[TXNS];          /* the compared epoch */

/* Data. */
byte acked = 1;            /* entries acknowledged in segment 0; the Roll was frozen at 1 */
bit fenced = 0;
bit copies = 1;            /* on replicas */
bit objects = 1;           /* the uploader's */
byte end[TXNS];            /* lastEntry that the transaction writes */

#ifdef MUT_NO_EPOCH_COMPARE
#define epochOk(x) true
#else
#define epochOk(x) (epoch == reign[x])
#endif

inline seal(x) {
  assert(epoch == reign[x]);                                              /* INV-18 */
  state0 = SEALED; rev0++; last0 = end[x]; sealNonce0 = x; nonce0 = x;
  assert(acked <= last0);                                                 /* INV-16 */
  rev1++; nonce1[rev1] = x; openedBy = x
}

/* etcd applies a copy of transaction x, whenever it arrives. */
inline apply(x) {
  if
  :: (x == ROLL || x == SEALREC || x == SEALREC + 1) ->
       if
       :: epochOk(x) && rev0 == k0[x] && rev1 == 0 -> seal(x); applied = 1
       :: else
       fi
  :: (x == ACQUIRE || x == ACQUIRE + 1) ->
       if
       :: epoch == k0[x] -> epoch++; epochNonce[epoch] = x; applied = 1
       :: else
       fi
  :: x == PUBLISH ->
       if
       :: jobIsHeld && rev0 == k0[x] && state0 == SEALED ->
            assert(objects);                                              /* X7, INV-22 */
            rev0++; nonce0 = x; manifests++; manifest[manifests] = x; jobIsHeld = 0; applied = 1
       :: else
       fi
  fi;
  if
  :: applied -> assert(!gaveUp[x] && !hasLanded[x]); hasLanded[x] = 1     /* INV-25 */
  :: else
  fi
}

#define opens(x) (x == ROLL || x == SEALREC || x == SEALREC + 1)
#define acquires(x) (x == ACQUIRE || x == ACQUIRE + 1)
#define showsMine(x) ((x == PUBLISH && manifest[manifests] == x) \
  || (acquires(x) && epochNonce[epoch] == x) || (opens(x) && nonce1[rev1] == x))

proctype Wire(byte x) {
  bit applied;
  do
  :: atomic { onWire[x] > 0 ->
       onWire[x]--; apply(x);
       if
       :: true                                                            /* the answer is lost */
       :: waits[x] && answer[x] == NO_ANSWER && applied -> answer[x] = OK
       :: waits[x] && answer[x] == NO_ANSWER && !applied -> answer[x] = FAILED; sawMine[x] = showsMine(x)
       fi;
       applied = 0 }
  od
}

/* A read of the deciding key (X6) that may be stale: any version up to the present one. */
inline look(x) {
  if
  :: x == PUBLISH ->
       v = manifests; do :: v > 0 -> v-- :: break od;
       found = manifest[v]; isOld = (v == 0)
  :: (x == ACQUIRE || x == ACQUIRE + 1) ->
       v = epoch; do :: v > k0[x] -> v-- :: break od;
       found = epochNonce[v]; isOld = (v == k0[x])
  :: else ->
#ifdef MUT_DECIDE_BY_SEALED_KEY                                           /* X6: Publish may have rewritten segment 0 */
       found = (rev0 == k0[x] -> NOBODY : nonce0); isOld = (rev0 == k0[x]); v = 0
#else
       v = rev1; do :: v > 0 -> v-- :: break od;
       found = nonce1[v]; isOld = (v == 0)
#endif
  fi;
  v = 0
}

/* Commit x and find out what became of it. */
inline settle(x) {
  atomic { onWire[x]++; sends[x]++; waits[x] = 1; refused = 0 };
  do
  :: atomic { answer[x] == OK -> landed = 1; break }
  :: atomic { answer[x] == FAILED && !unknown -> refused = 1; break }     /* refused at the first try: definitely lost */
#ifdef MUT_FIRST_ANSWER_COUNTS                                            /* the repetition failed: "somebody else won" */
  :: atomic { answer[x] == FAILED && unknown -> refused = 1; break }
#else
#ifdef MUT_STALE_READ_AFTER_FAILURE
  :: atomic { answer[x] == FAILED && unknown -> look(x); landed = (found == x); break }
#else
  :: atomic { answer[x] == FAILED && unknown -> landed = sawMine[x]; break }  /* decided inside the Txn: no stale read */
#endif
#endif
  :: atomic { answer[x] == NO_ANSWER && !unknown -> unknown = 1 }         /* timeout, cancel, broken connection */
#ifdef MUT_UNKNOWN_IS_FAILED
  :: atomic { unknown && answer[x] == NO_ANSWER -> refused = 1; break }
#endif
#ifdef MUT_UNKNOWN_IS_DONE
  :: atomic { unknown && answer[x] == NO_ANSWER -> landed = 1; break }
#endif
  :: atomic { unknown && answer[x] == NO_ANSWER && sends[x] < SENDS ->    /* the SAME transaction again */
       onWire[x]++; sends[x]++ }
  :: atomic { unknown && answer[x] == NO_ANSWER ->                        /* X6: nonce, unchanged, changed by another */
       look(x);
       if
       :: found == x -> landed = 1; break
       :: found != x && isOld ->
#ifdef MUT_DECIDE_BY_READ
            break
#else
            skip
#endif
       :: found != x && !isOld -> break
       fi }
  od;
  atomic {
    found = 0; isOld = 0; unknown = 0; waits[x] = 0; answer[x] = NO_ANSWER; sawMine[x] = 0; sends[x] = 0;
    assert(!landed || hasLanded[x]);                                      /* INV-25 */
    if
    :: !landed -> gaveUp[x] = 1;
         /* What landed and was overtaken is lost to its sender too: only then may it say so. */
         assert(!hasLanded[x] || !showsMine(x))
    :: else
    fi
  }
}

inline write1(x) { assert(openedBy == x && hasLanded[x]) }                /* INV-36: first byte of segment 1 */

proctype Writer() {
  byte v, found; bit landed, unknown, isOld, refused;
  atomic { k0[ROLL] = 1; reign[ROLL] = 1; end[ROLL] = 1 };
  settle(ROLL);
  if
  :: landed -> write1(ROLL)
#ifdef MUT_RESUME_AFTER_LOST
  :: else ->
#else
  :: !landed && !refused -> skip                                          /* X6 says lost: the session is dead (W5) */
  :: !landed && refused ->                                                /* never applied: it may go on in segment 0 */
#endif
       atomic { !fenced -> acked = 2; assert(state0 != SEALED || acked <= last0) }   /* INV-16 */
  fi
}

proctype Taker(byte a) {
  byte v, found, e; bit landed, unknown, isOld, refused;
  atomic {                                                                /* T1, with a read as old as it likes */
    k0[ACQUIRE + a] = epoch;
    do :: k0[ACQUIRE + a] > 1 -> k0[ACQUIRE + a]-- :: break od;
    e = k0[ACQUIRE + a] + 1
  };
  settle(ACQUIRE + a);
  if :: landed -> assert(epochNonce[e] == ACQUIRE + a) :: else -> goto done fi;
  landed = 0;
  /* T2 StartRec of the newest segment; with a stale view it fails and is done again. */
  atomic {
    if
    :: epoch == e && rev1 == 0 && state0 != SEALED -> state0 = RECOVERING; rev0++; k0[SEALREC + a] = rev0
    :: epoch == e && rev1 > 0 -> rev1++; nonce1[rev1] = OTHER; goto done
    :: else -> goto done
    fi };
  atomic { fenced = 1; end[SEALREC + a] = acked; reign[SEALREC + a] = e };  /* T3 to T6 */
  settle(SEALREC + a);
  if :: landed -> write1(SEALREC + a) :: else fi;
done: skip
}

#ifndef LONG
proctype Rival() {         /* overtakes anybody anywhere; its outcomes are known */
  byte e;
  atomic { epoch < 3 -> epoch++; e = epoch; epochNonce[e] = OTHER };
  atomic {
    if
    :: epoch == e && rev1 == 0 && state0 != SEALED -> state0 = RECOVERING; rev0++; k0[SEALREC + 1] = rev0
    :: epoch == e && rev1 > 0 -> rev1++; nonce1[rev1] = OTHER; goto done
    :: else -> goto done
    fi;
    fenced = 1; end[SEALREC + 1] = acked; reign[SEALREC + 1] = e };
  atomic {
    if :: epochOk(SEALREC + 1) && rev0 == k0[SEALREC + 1] && rev1 == 0 -> seal(SEALREC + 1); hasLanded[SEALREC + 1] = 1 :: else fi };
done: skip
}
#endif

proctype Uploader() {
  byte v, found; bit landed, unknown, isOld, refused;
  atomic { state0 == SEALED -> k0[PUBLISH] = rev0 };
  settle(PUBLISH);
  if
  :: landed -> atomic { copies = 0; assert(manifests > 0) }               /* release: only what is published */
  :: else -> atomic { objects = 0; assert(manifest[manifests] != PUBLISH) }   /* clean-up: only what never will be (X7) */
  fi
}

proctype Others() {
  do
  :: atomic { jobIsHeld -> jobIsHeld = 0 }                                /* the job's lease expires */
  :: atomic { manifests == 1 -> manifests = 2; manifest[2] = OTHER; rev0++; nonce0 = OTHER }   /* PublishMerge */
  od
}

init {
  atomic {
    run Writer(); run Taker(0); run Uploader(); run Others();
    run Wire(ROLL); run Wire(ACQUIRE); run Wire(SEALREC); run Wire(PUBLISH);
#ifdef LONG
    run Taker(1); run Wire(ACQUIRE + 1); run Wire(SEALREC + 1)
#else
    run Rival()
#endif
  }
}
