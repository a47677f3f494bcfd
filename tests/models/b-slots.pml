/*
 * Model b: slots of a MemoryBuffer segment (object store and etcd only, fence=conditional).
 *
 * Who acts: the segment's writer (epoch 1; never dies) with 2 upload lanes, two recoverers (epochs 2 and 3), an uploader
 * that publishes the sealed segment, a collector of its slots, a reader with a view of the segment as old as it likes.
 * Faults: a PUT whose answer is lost whether it landed or not, sent again at any time; a PUT that lands late; a listing
 * that shows too little; everybody paused anywhere.
 *
 * A slot holds nothing, data of the writer (content is fixed by its name: one writer session), or a fence.
 */
#ifdef LONG
#define SLOTS 6
#else
#define SLOTS 4
#endif
#define LANES 2
#define EMPTY 0
#define DATA 1
#define FENCE 2
#define NONE 15

byte slot[SLOTS + 1];      /* the object store; the last place can hold only a fence */
bit everData[SLOTS + 1], everFence[SLOTS + 1];

/* Writer: slots below "first" are known to exist and are acknowledged; the lanes hold first .. first + LANES - 1. */
byte first = 0;
bit landed[LANES];         /* the PUT of slot first + i is known to have succeeded */
bit handed[LANES];         /* the slot was handed to its lane: its PUT may land from now on */
byte acked = 0;            /* slots acknowledged: a prefix */
bit dead = 0;

/* etcd. */
byte epoch = 1;
byte recovering = 0;       /* 0 = Open */
byte sealed = NONE;        /* lastSlot + 1 */
bit compacted = 0;

/* Reader: slots handed out; a prefix. */
byte visible = 0;

#ifdef MUT_PUT_OVERWRITES                                                 /* a store that ignores If-None-Match */
#define putPasses(n) true
#else
#define putPasses(n) (slot[n] == EMPTY)                                   /* B2 */
#endif
#ifdef MUT_412_AS_SUCCESS
#define isMine(n) true
#else
#define isMine(n) (slot[n] == DATA)                                       /* B3: same epoch, nonce, slot, checksum */
#endif

inline sealAt(k, e) {
  assert(sealed == NONE && epoch == e);                                   /* INV-15, INV-18 */
  sealed = k;
  assert(acked <= sealed);                                                /* INV-16 */
  assert(visible <= sealed)                                               /* INV-8 */
}

/* A PUT of the writer reaches the store: If-None-Match: * (B2). Its answer may be lost, so it may come again. */
inline put(i) {
  if
  :: putPasses(first + i) ->
       assert(!everFence[first + i]);                                     /* INV-23: a fenced slot never becomes data */
       slot[first + i] = DATA; everData[first + i] = 1;
       if :: landed[i] = 1 :: skip /* answer lost: unknown */ fi
  :: else ->                                                              /* 412: GET and compare (B3) */
       if
       :: isMine(first + i) -> landed[i] = 1
       :: else -> dead = 1
       fi
  fi
}

proctype Writer() {
  byte i;
  do
  :: atomic { !dead && first < SLOTS && !handed[0] -> handed[0] = 1 }
  :: atomic { !dead && first + 1 < SLOTS && handed[0] && !handed[1] -> handed[1] = 1 }
  :: atomic { !dead && handed[0] && !landed[0] -> put(0) }
  :: atomic { !dead && handed[1] && !landed[1] -> put(1) }
  :: atomic { dead && handed[0] && !landed[0] && putPasses(first) -> slot[first] = DATA; everData[first] = 1 }
  :: atomic { dead && handed[1] && !landed[1] && putPasses(first + 1) -> slot[first + 1] = DATA; everData[first + 1] = 1 }
#ifdef MUT_ACK_OUT_OF_ORDER
  :: atomic { !dead && landed[1] && acked < first + 2 -> acked = first + 2; assert(sealed == NONE || acked <= sealed) }
#endif
  :: atomic { !dead && landed[0] ->                                       /* B2: ack slot n when 0..n succeeded */
       first++; landed[0] = landed[1]; handed[0] = handed[1]; landed[1] = 0; handed[1] = 0;
       if :: acked < first -> acked = first :: else fi;
       assert(everData[acked - 1]);                                       /* INV-24 */
       assert(sealed == NONE || acked <= sealed) }                        /* INV-16 */
  /* Roll or SealOwn: only with nothing in flight, since a reader may see a slot before its writer acknowledges it. */
#ifdef MUT_ROLL_IN_FLIGHT
  :: atomic { !dead ->
#else
  :: atomic { !dead && !handed[0] ->
#endif
       dead = 1; if :: epoch == 1 && recovering == 0 && sealed == NONE -> sealAt(first, 1) :: else fi }
  od
}

proctype Recoverer(byte e) {
  byte k;
  atomic { if :: epoch < e -> epoch = e :: else -> goto done fi };        /* Acquire */
  atomic { if :: sealed == NONE && epoch == e -> recovering = e :: else -> goto done fi };   /* StartRec */
  atomic {                                                                /* B6: LIST, a hint that may show too little */
    do :: k < SLOTS && slot[k] == DATA -> k++ :: break od
  };
#ifndef MUT_TRUST_LISTING
  do
  :: atomic { slot[k] == EMPTY -> slot[k] = FENCE; everFence[k] = 1; break }  /* 200, or 412 with my own fence */
  :: atomic { slot[k] == FENCE -> break }                                 /* 412 and a fence of anyone */
#ifdef MUT_FENCE_OVERWRITES
  :: atomic { slot[k] == DATA -> slot[k] = FENCE; everFence[k] = 1; break }
#else
  :: atomic { slot[k] == DATA -> k++ }                                    /* 412 and data of this segment */
#endif
  od;
#endif
  atomic { if :: epoch == e && recovering == e && sealed == NONE -> sealAt(k, e) :: else fi };  /* SealRec(lastSlot = k - 1) */
done: atomic { k = 0 }
}

proctype Uploader() {      /* U1: exactly what etcd says; its own checks are model c */
  atomic { sealed != NONE -> compacted = 1 }
}

proctype Collector() {     /* B9: data slots, after Compacted; fences never */
  do
  :: atomic { compacted && slot[0] == DATA -> slot[0] = EMPTY }
  :: atomic { compacted && slot[1] == DATA -> slot[1] = EMPTY }
  :: atomic { compacted && slot[2] == DATA -> slot[2] = EMPTY }
  :: atomic { compacted && slot[3] == DATA -> slot[3] = EMPTY }
#if SLOTS > 4
  :: atomic { compacted && slot[4] == DATA -> slot[4] = EMPTY }
  :: atomic { compacted && slot[5] == DATA -> slot[5] = EMPTY }
#endif
#ifdef MUT_FENCE_DELETED
  :: atomic { compacted && slot[0] == FENCE -> slot[0] = EMPTY }
  :: atomic { compacted && slot[1] == FENCE -> slot[1] = EMPTY }
  :: atomic { compacted && slot[2] == FENCE -> slot[2] = EMPTY }
  :: atomic { compacted && slot[3] == FENCE -> slot[3] = EMPTY }
#endif
#ifdef MUT_DELETED_BEFORE_COMPACTED                                       /* the slots are still the home of the data */
  :: atomic { sealed != NONE && slot[0] == DATA -> slot[0] = EMPTY }
#endif
  od
}

proctype Reader() {
  do
  /* B7: the view says Open; slot n is visible iff 0..n exist and none is a fence. */
  :: atomic { slot[visible] == DATA -> visible++; assert(sealed == NONE || visible <= sealed) } /* INV-8 */
#ifdef MUT_READER_SKIPS_GAP
  :: atomic { visible < SLOTS - 1 && slot[visible] == EMPTY && slot[visible + 1] == DATA ->
       visible = visible + 2; assert(sealed == NONE || visible <= sealed) }
#endif
#ifdef MUT_READER_PASSES_FENCE
  :: atomic { visible < SLOTS - 1 && slot[visible] == FENCE && slot[visible + 1] == DATA ->
       visible = visible + 2; assert(sealed == NONE || visible <= sealed) }
#endif
  /* The view says Sealed, not yet published: the slots are the home of the data (INV-22). */
  :: atomic { sealed != NONE && !compacted && visible < sealed -> assert(slot[visible] == DATA); visible++ }
  /* The view says Compacted: the objects hold exactly what etcd sealed (V6). */
  :: atomic { compacted && visible != sealed -> assert(visible <= sealed); visible = sealed }
  od
}

init {
  atomic {
    run Writer(); run Recoverer(2); run Recoverer(3); run Uploader(); run Collector(); run Reader()
  }
}
