/*
 * Model c: publish, merge, collection, readers. Keys 0, 1, 2 of one log; newer keys exist and are not touched (4.2).
 * Key 0 is Sealed with its data on replicas; keys 1 and 2 are Compacted (tokens 1 and 2).
 *
 * Who acts: two uploaders of key 0 and two mergers (each may lose its lease anywhere and go on as a zombie), the
 * collector of gc records, the orphan collector with a listing as old as it likes, a replica that releases its copy, a
 * reader with a manifest as old as it likes.
 * Faults: leases expire at any time; any pause; an object of an unpublished job vanishes before the job's last HEAD (a
 * lifecycle rule of the bucket, an operator).
 *
 * An object is named by its job's token (U4); its content is a range of segments in offset order. Pins are courtesy (C3):
 * the base has none and shows that safety does not need them; the variant PINS has one and shows what it adds: nothing the
 * reader names goes away. Grace times are absent.
 *
 * Variants: PINS
 */
#if defined(MUT_PIN_IGNORED) || defined(MUT_PIN_AFTER_READ)
#define PINS
#endif
#define SEGS 3
#define TOKENS 6
#define NOTHING 0

/* etcd. Revisions are counted per key; a merged key covers s .. upto[s]; deleting a key changes its revision. */
bit sealed0 = 1;           /* key 0 is Sealed, not yet Compacted */
bit absorbed[SEGS];        /* the key was deleted by a merge */
byte upto[SEGS];
byte manifest[SEGS];       /* the token in the manifest's name */
byte rev[SEGS];
byte job[2];               /* create_revision of the job keys of 0 and 1; 0 = absent */
byte tokens = 2;           /* the store's revision, as far as jobs see it */
bit garbage[TOKENS + 1];   /* named by a gc record */

/* Object store: exists; first and last segment of the content. */
bit object[TOKENS + 1];
byte from[TOKENS + 1], to[TOKENS + 1];

bit copy = 1;              /* a replica's copy of segment 0 */
byte next = 0;             /* the reader's next offset (one entry per segment) */
#define UNPINNED 7
byte pin = UNPINNED;       /* the reader's pin in etcd: smallest offset it may still need */

#define isNamed(t) ((manifest[0] == t) || (manifest[1] == t && !absorbed[1]) || (manifest[2] == t && !absorbed[2]))

#ifdef MUT_NO_MODREV
#define unchanged(s, k) true
#else
#define unchanged(s, k) (rev[s] == k)
#endif
#ifdef MUT_NO_JOB_COMPARE                                                 /* "my lease was alive a moment ago" */
#define holdsJob(s, t) true
#else
#define holdsJob(s, t) (job[s] == t)                                      /* X9: JobToken is a true fence */
#endif
#ifdef MUT_NO_TOKEN_IN_NAME                                               /* one name per key: token 3 stands for "upload of key 0" */
#define nameOf(t) 3
#define isLive(t) (t == 3 && job[0] != 0 || job[1] == t)
#else
#define nameOf(t) t
#define isLive(t) (job[0] == t || job[1] == t)
#endif
#ifdef MUT_ORPHAN_NO_TOKEN_CHECK
#define isOrphan(t) (!isNamed(t) && !garbage[t])
#else
#define isOrphan(t) (!isNamed(t) && !garbage[t] && !isLive(t))            /* C4 */
#endif
#ifdef MUT_NO_HEAD
#define headPasses(t) true
#else
#define headPasses(t) object[t]                                           /* U6 */
#endif

/* Ranges follow each other, disjoint and gapless (INV-14); every named object exists and covers its key (INV-21, 22). */
inline check() {
  d_step {
    assert(absorbed[1] == (upto[0] >= 1));
    assert(absorbed[2] == (upto[0] >= 2 || (!absorbed[1] && upto[1] >= 2)));
    assert(sealed0 || (object[manifest[0]] && from[manifest[0]] == 0 && to[manifest[0]] == upto[0]));
    assert(absorbed[1] || (object[manifest[1]] && from[manifest[1]] == 1 && to[manifest[1]] == upto[1]));
    assert(absorbed[2] || (object[manifest[2]] && from[manifest[2]] == 2 && to[manifest[2]] == 2));
    assert(copy || !sealed0)                                              /* U7, R12 */
  }
}

proctype Uploader() {
  byte t, k;
  /* JobAcquire: create_rev(job) == 0, mod_rev(seg) == k (Sealed). */
  atomic { sealed0 && job[0] == 0 && tokens < TOKENS -> k = rev[0]; tokens++; t = tokens; job[0] = t };
  atomic {                                                                /* PUT of object and manifest (U1, U3, U4) */
    if :: copy :: else -> goto done fi;
    object[nameOf(t)] = 1; from[nameOf(t)] = 0; to[nameOf(t)] = 0
  };
#ifdef MUT_RELEASE_ON_PUT                                                 /* the copy goes before the manifest counts */
  copy = 0;
#endif
  if
  :: skip
  :: atomic { !isNamed(nameOf(t)) && !garbage[nameOf(t)] -> object[nameOf(t)] = 0 }  /* a lifecycle rule */
  fi;
  atomic {                                                                /* HEAD, then Publish at once (U6) */
    if
    :: headPasses(nameOf(t)) && holdsJob(0, t) && unchanged(0, k) ->
         sealed0 = 0; manifest[0] = nameOf(t); upto[0] = 0; rev[0]++;
         if :: job[0] == t -> job[0] = 0 :: else fi;
         check()
    :: else
    fi };
done: atomic { t = 0; k = 0 }
}

/* Merges key a with the key behind it. */
proctype Merger(byte a) {
  byte t, ka, kb, oa, ob, b, last;
  atomic { !absorbed[a] && (a > 0 || !sealed0) && upto[a] < SEGS - 1 && job[a] == 0 && tokens < TOKENS ->
    tokens++; t = tokens; job[a] = t;
    ka = rev[a]; oa = manifest[a]; b = upto[a] + 1 };
  atomic {                                                                /* a second read, later than the first (X1) */
    if :: absorbed[b] -> goto done :: else fi;
    kb = rev[b]; ob = manifest[b]; last = upto[b] };
  atomic {                                                                /* read and verify the old ones, PUT (C1) */
    if :: object[oa] && object[ob] :: else -> goto done fi;
    object[t] = 1; from[t] = a; to[t] = last };
  atomic {                                                                /* PublishMerge (C2) */
    if
    :: object[t] && holdsJob(a, t) && unchanged(a, ka) && unchanged(b, kb) ->
         manifest[a] = t; upto[a] = last; rev[a]++;
         absorbed[b] = 1; rev[b]++;
         garbage[oa] = 1; garbage[ob] = 1;                                /* C3: in the same Txn */
         if :: job[a] == t -> job[a] = 0 :: else fi;
         check()
    :: else
    fi };
done: atomic { t = 0; ka = 0; kb = 0; oa = 0; ob = 0; b = 0; last = 0 }
}

proctype Leases() {        /* expiry, or all revoked early (X9) */
  do
  :: atomic { job[0] != 0 -> job[0] = 0 }
  :: atomic { job[1] != 0 -> job[1] = 0 }
  od
}

#ifdef MUT_PIN_IGNORED
#define isFree(g) true
#else
#define isFree(g) (pin > to[g])
#endif
#define collect(x) atomic { g == 0 && garbage[x] && object[x] && isFree(x) -> g = x }
proctype Collector() {     /* C3: gc records, then the pins, then the objects; each as late as it likes */
  byte g;
  do
  :: collect(1) :: collect(2) :: collect(3) :: collect(4) :: collect(5) :: collect(6)
  :: atomic { g != 0 -> object[g] = 0; check(); g = 0 }                   /* deleting again is harmless */
  od
}

#ifdef MUT_METADATA_BEFORE_LIST                                           /* a stale read decides */
#define first(o) isOrphan(o)
#define second(o) object[o]
#else
#define first(o) object[o]                                                /* C4: LIST, then the Txn with a put */
#define second(o) isOrphan(o)
#endif
proctype OrphanCollector() {   /* each step as late as it likes; one object at a time */
  byte o;
  do
  :: atomic { o == 0 && first(3) -> o = 3 }
  :: atomic { o == 0 && first(4) -> o = 4 }
  :: atomic { o == 0 && first(5) -> o = 5 }
  :: atomic { o == 0 && first(6) -> o = 6 }
  :: atomic { o != 0 -> if :: second(o) :: else -> o = 0 fi };
     atomic { if :: o != 0 && object[o] -> object[o] = 0; check() :: else fi; o = 0 }
  od
}

proctype Replica() {       /* U7: only what it has itself seen published and verified */
  atomic { !sealed0 && object[manifest[0]] -> copy = 0; check() }
}

/* Hands out offset "next" from the object it believes in; block = its place in that object. */
proctype Reader() {
  byte o, block;
#if defined(PINS) && !defined(MUT_PIN_AFTER_READ)
  pin = 0;                                                                /* V8: before metadata is read */
#endif
  do
  :: atomic { next < SEGS && o == NOTHING && !sealed0 ->                  /* metadata: which key covers the offset (V6) */
       if
       :: next <= upto[0] -> o = manifest[0]
       :: next > upto[0] && !absorbed[1] && next <= upto[1] -> o = manifest[1]
       :: next > upto[0] && !absorbed[2] && next == 2 -> o = manifest[2]
       :: else
       fi;
#ifndef MUT_RESUME_BY_BLOCK                                               /* woodpecker#237: a merge renumbers blocks */
       block = next - from[o]                                             /* C2: by offset */
#endif
     }
  :: atomic { o != NOTHING ->
#ifdef MUT_PIN_AFTER_READ
       pin = next;
#endif
       if
       :: object[o] ->
            assert(from[o] + block == next);                              /* INV-42: the bytes of this very offset */
            block++; next++;
#if defined(PINS) && !defined(MUT_PIN_AFTER_READ)
            pin = next;                                                   /* moves on behind the reader */
#endif
            if :: next > to[o] -> o = NOTHING; block = 0 :: else fi
       :: else ->                                                         /* 404: read metadata again, resume (C3) */
#ifdef MUT_404_IS_LOSS
            assert(isNamed(o));                                           /* DataLoss is reported, yet nothing is lost */
#endif
            assert(!isNamed(o));                                          /* INV-22: this would be a true DataLoss */
#ifdef PINS
            assert(pin == UNPINNED);                                      /* V8: not under a pin */
#endif
            o = NOTHING
       fi }
  od
}

init {
  atomic {
    upto[1] = 1; upto[2] = 2;
    manifest[1] = 1; object[1] = 1; from[1] = 1; to[1] = 1;
    manifest[2] = 2; object[2] = 1; from[2] = 2; to[2] = 2;
    run Uploader(); run Merger(0); run Merger(1); run Collector(); run OrphanCollector();
    run Leases(); run Replica();
#ifndef PINS
    run Uploader();
#endif
    run Reader()
  }
}
