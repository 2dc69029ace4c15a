/* SPDX-License-Identifier: MIT */
/*
 * The slot protocol as common/channel has it, for Spin. tests/model/check says which scopes are run and what bounds them.
 *
 *     Writer   writer.c, owner.c, roster.c: take, wait for a slot, evict, publish, ring, reap, close
 *     Reader   reader.c, owner.c, roster.c: join (occupy or adopt), acquire (pin or next), wait, release, leave
 *
 * One atomic step is one access to what is shared. Where a step has several, a comment says why that loses nothing; what is
 * private follows in the step before. Between two steps anything may happen, also a crash; who crashed comes back as a new
 * reader. Memory is sequentially consistent.
 *
 * Time is left out: a wait ends by a ring or not at all. Two exceptions, which are what the time limits are for: the writer's
 * tick wakes it if a reader has crashed and is not cleaned up yet, and a reader's wakes it if the writer has crashed. So a
 * lost wake-up is a state with no way on, which Spin finds as an invalid end state. The budgets are drawn at the start, from
 * 0 up: what is still possible in one run, and hides that nothing else is, is spent or never was there in another.
 *
 * Mutations: MUT_... switches one wrong thing on. What each breaks is in tests/model/check.
 */
#ifndef N
#define N 2 /* slots */
#endif
#ifndef F
#define F 3 /* frames, at most 6 */
#endif
#ifndef READERS
#define READERS 2
#endif
#ifndef MODE0
#define MODE0 MAILBOX
#endif
#ifndef MODE1
#define MODE1 MAILBOX
#endif
#ifndef CRASHES
#define CRASHES 0 /* of readers */
#endif
#ifndef LEAVES
#define LEAVES 0 /* by readers, in order */
#endif
#ifndef WRITER_CRASHES
#define WRITER_CRASHES 0
#endif
#ifndef ABORTS
#define ABORTS 0
#endif
#ifndef TIMEOUTS
#define TIMEOUTS 0 /* wake-ups for no reason: a limit that ran out, a signal */
#endif
#ifndef PRESENT
#define PRESENT 0 /* 1: the readers joined before the first frame */
#endif
#ifndef HOLDS
#define HOLDS 1 /* frames that a reader holds at a time */
#endif
/* IDLE: the writer may stop for good without closing, at any time between two publishes; then every reader must come to have
   what there is. EVICTIONS: the writer may evict. DROPS: it may give up and try again. ANY_MODE: who comes after may have another mode. */

#define ENTRIES READERS
#define PIN_TRIES 2 /* 64 in owner.c */
#ifndef BELL_MAX
#define BELL_MAX 2
#endif
#ifndef WRITER_BELL_MAX
#define WRITER_BELL_MAX (READERS + 2)
#endif

#define MAILBOX 0
#define FIFO 1

#define FREE 0
#define JOIN 1
#define LIVE 2
#define EVICT 3

#define WRITER 128
#define BIT(x) (1 << (x))
#define NONE 7
#define ANY_SEQUENCE 255

/* ---- what is shared */

byte own[N]; /* bits of readers, or WRITER */
byte seq[N];
byte latest_seq, latest_slot; /* one word */
bit closed;
bit writer_waits;
byte writer_bell;
byte attached;
byte departures;

byte state[ENTRIES];
bit kind[ENTRIES];
bit kick[ENTRIES];
byte bell[ENTRIES];
byte first[ENTRIES];

bit lock[ENTRIES]; /* held; the kernel drops it when its holder dies */
bit writer_lock = 1;

/* ---- what is only looked at by assertions */

byte queue; /* the writer's private set of fifo readers */
byte pixels[N]; /* which frame was drawn last */
byte owed[ENTRIES]; /* bit s: frame s was published to this fifo reader, and neither given back nor taken away */
bit was_evicted[ENTRIES]; /* in this reader's life */
byte using[READERS]; /* bit i: this reader reads slot i */
byte torn[READERS]; /* bit i: slot i was drawn into meanwhile, or had another frame's pixels from the start */

byte given[ENTRIES]; /* the newest frame that this reader gave back unharmed */
bit idle; /* the writer has stopped for good */

/* ---- what may still happen */

byte crashes, leaves, writer_crashes, aborts, timeouts;
bit unclean[ENTRIES]; /* its reader crashed, and nobody cleaned up yet: the writer's tick is due */
bit half_rung; /* a reader crashed between taking the writer's flag and posting: the tick is due */
bit writer_crashed; /* the readers' ticks are due */

#ifdef MUT_EVICTION_BY_RELEASE
#define NEWS (latest_seq != bell_latest || closed != bell_closed)
#else
#define NEWS (latest_seq != bell_latest || closed != bell_closed || state[k] == EVICT)
#endif

/* ==== a reader */

/* The end of a reader's life at any step. `also` is what else is to be noted. */
#define CRASH(also) \
	crashes > 0 -> crashes--; also; \
		if \
		:: k != NONE -> lock[k] = 0; unclean[k] = ((attached & BIT(k)) != 0) \
		:: else -> unclean[n] = (state[n] != FREE && !lock[n]) /* it left entry n, and maybe somebody has it */ \
		fi; \
		FORGET; k = NONE; goto attach

#define FORGET \
	last = 0; held = 0; held_seq[0] = 0; held_seq[1] = 0; FORGET_THIRD; i = 0; s = 0; n = 0; found = NONE; tries = 0; \
	bell_latest = 0; bell_closed = 0; gone = 0; timed = 0; started = 0; evicted = 0; was = 0; last_one = 0; more = 0; \
	using[me] = 0; torn[me] = 0

#if N == 3
#define FORGET_THIRD held_seq[2] = 0
#else
#define FORGET_THIRD skip
#endif

#define STEP(x) atomic { if :: x :: CRASH(skip) fi }

/* flip_ring_writer. The load is one step with the exchange: a load that says "does not wait" ends it as the exchange would,
   and one that says "waits" leads to the exchange. */
inline ring_writer()
{
	do
	:: atomic {
		if
#ifdef MUT_RING_WRITER_NO_CLAIM
		:: if :: writer_waits == 0 -> break :: else fi
#else
		:: if :: writer_waits == 0 -> break :: else -> writer_waits = 0 fi
#endif
		:: CRASH(skip)
		fi
	   };
	   atomic {
		if
		:: writer_bell++; assert(writer_bell <= WRITER_BELL_MAX); break
		:: CRASH(half_rung = 1)
		fi
	   }
	od
}

/* flip_owner_release of slot i. rang: the bit was there, and nobody else's is. */
inline clear_bit()
{
	was = ((own[i] & BIT(k)) != 0);
	own[i] = own[i] & ~BIT(k);
	last_one = (was && own[i] == 0)
}

/* The newest frame that this reader has seen: given back, or held now. */
#define LARGER(a, b) (a > b -> a : b)
#if N == 3
#define NEWEST_SEEN LARGER(LARGER(last, held_seq[0]), LARGER(held_seq[1], held_seq[2]))
#else
#define NEWEST_SEEN LARGER(last, LARGER(held_seq[0], held_seq[1]))
#endif

/* deliver begins: reads the sequence, the metadata, the pixels. From here on, torn tells whether they are of one frame. */
inline begin_use(slot)
{
	found = slot; s = seq[found];
	using[me] = using[me] | BIT(found);
	torn[me] = (pixels[found] != s || (own[found] & WRITER) -> torn[me] | BIT(found) : torn[me] & ~BIT(found))
}

inline end_use(slot)
{
	using[me] = using[me] & ~BIT(slot); torn[me] = torn[me] & ~BIT(slot)
}

/* What must hold of a frame that the caller is told of: slot `found`, sequence s. */
inline check_delivery()
{
	assert(s > 0);
	assert(s <= latest_seq); /* published */
	assert(!(torn[me] & BIT(found))); /* its metadata is of one frame */
	assert(s > NEWEST_SEEN); /* once, in order; never backwards */
	if
	:: mode == FIFO ->
		/* Everything that was published to it before is given back or held. */
		n = owed[k] & (BIT(s) - 1);
		i = 0;
		do
		:: i < N -> n = (held & BIT(i) -> n & ~BIT(held_seq[i]) : n); i++
		:: i == N -> break
		od;
		assert(n == 0);
		/* start_counting, and the gap that is told: none without an eviction. */
		n = NEWEST_SEEN + 1;
		n = (n == 1 && !started -> (first[k] == 0 || first[k] > s -> s : first[k]) : n);
		assert(n == s || was_evicted[k] || started && NEWEST_SEEN == 0);
		n = 0; i = 0; started = 1
	:: else
	fi
}

inline check_end()
{
	if
	:: mode == MAILBOX -> assert(given[k] == latest_seq); given[k] = 0
	:: mode == FIFO -> assert(owed[k] == 0); assert(state[k] != LIVE || (queue & BIT(k)) || writer_crashed)
	fi
}

proctype Reader(bit me; bit mode)
{
	byte k = (PRESENT -> me : NONE); /* entry */
	byte last; /* newest frame that was given back */
	byte held; /* bits of slots */
	byte held_seq[N];
	byte bell_latest; /* struct flip_bell */
	bit bell_closed;
	bit gone; /* the writer was seen dead */
	bit timed; /* the tick woke us */
	bit started, evicted, was, last_one, more;
	byte i, s, n, tries;
	byte found = NONE;

	/* flip_roster_join. tries: 0, only what is free; 1, also what one of the same mode has left. What is seen before the
	   lock is held only decides whether to try. A dead writer's segment is refused. */
#if PRESENT
	goto again;
#endif
attach:
	atomic {
#ifdef ANY_MODE
		if
		:: k == NONE && i == 0 && tries == 0 -> mode = MAILBOX
		:: k == NONE && i == 0 && tries == 0 -> mode = FIFO
		:: else
		fi;
#endif
		do
		:: !writer_lock || tries == 2 -> FORGET; goto end
		:: else ->
			if
#ifdef MUT_ADOPT_OTHER_MODE
			:: state[i] == FREE || tries == 1 -> break
#else
			:: state[i] == FREE || (tries == 1 && kind[i] == mode) -> break
#endif
			:: else -> i++;
				if
				:: i == ENTRIES -> i = 0; tries++
				:: else
				fi
			fi
		od
	};
	/* Under the lock nobody else changes the mode, or makes the entry free or not free. */
	atomic {
		if
		:: lock[i] == 0 ->
			lock[i] = 1; k = i;
			if
			:: state[k] == FREE ->
				assert(!(own[0] & BIT(k)) && !(own[1] & BIT(k)) && owed[k] == 0); /* I2 */
				unclean[k] = 0; was_evicted[k] = 0; given[k] = 0; i = 0; tries = 0; goto occupy
#ifdef MUT_ADOPT_OTHER_MODE
			:: state[k] != FREE ->
#else
			:: state[k] != FREE && kind[k] == mode ->
#endif
				unclean[k] = 0; was_evicted[k] = 0; given[k] = 0; i = 0; tries = 0; goto adopt
			:: else
			fi
		:: else -> i++; /* EBUSY */
			if
			:: i == ENTRIES -> i = 0; tries++
			:: else
			fi;
			goto attach
		fi
	};
	STEP(lock[k] = 0; k = NONE; i++;
		if
		:: i == ENTRIES -> i = 0; tries++
		:: else
		fi;
		goto attach);

occupy:
	/* Nobody looks at a free entry. */
	STEP(bell[k] = 0; first[k] = 0; attached = attached | BIT(k);
#ifndef MUT_KIND_AFTER_JOIN
		kind[k] = mode
#endif
	);
	STEP(state[k] = JOIN);
#ifdef MUT_KIND_AFTER_JOIN
	STEP(kind[k] = mode);
#endif
	STEP(kick[k] = 1);
	ring_writer();
	goto again;

adopt:
#ifndef MUT_ADOPT_KEEPS_ALL
#ifdef MUT_ADOPT_DROPS_ALL
	STEP(n = (mode == FIFO -> latest_seq : ANY_SEQUENCE); tries = 1);
#else
	STEP(n = (mode == FIFO -> latest_seq : ANY_SEQUENCE));
#endif
	/* Whether a slot is given back does not change while we look: a bit comes only with a larger sequence, and goes only by
	   eviction. So the looks at those that are not are one step with the next that is. */
	do
	:: STEP(
		do
		:: i == N -> break
		:: i < N && (own[i] & BIT(k)) && (seq[i] <= n || tries == 1) -> break
		:: i < N && !((own[i] & BIT(k)) && (seq[i] <= n || tries == 1)) -> i++
		od;
		if
		:: i == N -> i = 0; was = 0; last_one = 0; tries = 0; break
		:: i < N -> owed[k] = owed[k] & ~BIT(seq[i]); clear_bit(); i++
		fi);
#ifndef MUT_ADOPT_NO_RING
	   do
	   :: atomic {
		if
		:: !last_one || writer_waits == 0 -> break
		:: last_one && writer_waits -> writer_waits = 0
		:: CRASH(skip)
		fi
	      };
	      atomic {
		if
		:: writer_bell++; assert(writer_bell <= WRITER_BELL_MAX); break
		:: CRASH(half_rung = 1)
		fi
	      }
	   od
#endif
	od;
	/* An eviction after the look at the state does not touch `first`; and the writer sets it only where it is 0. `first` may
	   be larger than n + 1 already: the dead one joined while n + 1 was being published, and was admitted after we read
	   `latest`. Setting it back (MUT_ADOPT_FIRST) tells of a gap where there was none. */
	STEP(if
	     :: mode == FIFO && state[k] == EVICT -> first[k] = 0
#ifdef MUT_ADOPT_FIRST
	     :: mode == FIFO && state[k] != EVICT && first[k] != 0 -> first[k] = n + 1
#else
	     :: mode == FIFO && state[k] != EVICT && first[k] != 0 && first[k] <= n -> first[k] = n + 1
#endif
	     :: else
	     fi;
	     n = 0);
#endif
	STEP(bell[k] = 0);
	STEP(kick[k] = 1);
	STEP(if :: state[k] == EVICT -> state[k] = JOIN :: else fi);
#ifndef MUT_ADOPT_NO_RING
	ring_writer();
#endif

	/* flip_reader_acquire. The bell's two loads and the look at the state are one step: a bell that is older than the look
	   only means more news. Who sees EVICT is the only one to change it. */
again:
	STEP(
		if
		:: leaves > 0 -> leaves--; goto leave
		:: skip
		fi;
		bell_latest = latest_seq;
#ifndef MUT_CLOSED_EARLY
		bell_closed = closed;
#endif
		if
#ifdef MUT_REJOIN_HELD
		:: state[k] == EVICT -> state[k] = JOIN
#else
#ifdef MUT_EVICTION_BY_RELEASE
		:: state[k] == EVICT && !held && evicted -> state[k] = JOIN; evicted = 0
#else
		:: state[k] == EVICT && held -> goto release
		:: state[k] == EVICT && !held -> state[k] = JOIN
#endif
#endif
		:: else
		fi;
		if
		:: mode == FIFO -> goto next
		:: mode == MAILBOX
		fi);

	/* flip_owner_pin */
	do
	:: STEP(
		if
		:: tries == PIN_TRIES -> tries = 0; goto nothing
		:: else
		fi;
		tries++; s = latest_seq; i = latest_slot;
		if
#ifdef MUT_PIN_ZERO
		:: (s <= NEWEST_SEEN && s > 0) || (held & BIT(i)) -> i = 0; s = 0; tries = 0; goto nothing
#else
		:: s <= NEWEST_SEEN || (held & BIT(i)) -> i = 0; s = 0; tries = 0; goto nothing
#endif
		:: else
		fi);
	   /* The compare-and-swap that succeeds. */
	   STEP(
		if
		:: own[i] & WRITER -> was = 0
		:: else -> own[i] = own[i] | BIT(k); was = 1
		fi);
	   STEP(
#ifdef MUT_NO_RECHECK
		if
		:: was -> begin_use(i); i = 0; was = 0; tries = 0; goto deliver
		:: else -> i = 0; s = 0
		fi
	   )
#else
		if
		:: !was -> i = 0; s = 0
		:: was && seq[i] == s -> begin_use(i); i = 0; was = 0; tries = 0; goto deliver
		:: was && seq[i] != s -> s = 0
		fi);
	   do
	   :: STEP(if :: !was -> break :: was -> clear_bit(); i = 0; was = last_one; last_one = 0 fi);
	      STEP(if :: !was || writer_waits == 0 -> was = 0; break :: else -> writer_waits = 0; was = 0 fi);
	      atomic {
		if
		:: writer_bell++; assert(writer_bell <= WRITER_BELL_MAX); break
		:: CRASH(half_rung = 1)
		fi
	      }
	   od
#endif
	od;

next:
	/* flip_owner_next */
#if defined(MUT_NEXT_LATEST_LAST) || defined(MUT_NEXT_NO_LATEST)
	STEP(n = ANY_SEQUENCE);
#else
	STEP(n = latest_seq);
#endif
	do
	:: STEP(
		if
		:: !(held & BIT(i)) && (own[i] & BIT(k)) -> was = 1
		:: else -> i++
		fi;
		if
		:: i == N -> goto looked
		:: else
		fi);
	   STEP(
		if
		:: was && seq[i] > last && seq[i] <= n && (s == 0 || seq[i] < s) -> s = seq[i]; found = i
		:: else
		fi;
		i = i + was; was = 0;
		if
		:: i == N -> goto looked
		:: else
		fi)
	od;
looked:
	STEP(i = 0; n = 0;
		if
		:: found == NONE -> goto nothing
#ifdef MUT_NEXT_LATEST_LAST
		:: found != NONE && s > latest_seq -> s = 0; found = NONE; goto nothing
#endif
		:: else -> begin_use(found)
		fi);

deliver:
	STEP(if
	     :: own[found] & BIT(k) ->
		check_delivery(); held = held | BIT(found); held_seq[found] = s;
#ifdef MUT_LAST_AT_HOLD
		last = s;
#endif
		s = 0; found = NONE; gone = 0; bell_latest = 0; bell_closed = 0;
		goto release
	     :: else -> end_use(found); s = 0; found = NONE; bell_latest = 0; bell_closed = 0; goto again
	     fi);

nothing:
	/* writer_seen_dead: surely after the tick, and maybe at any other time. It does not wait while it holds a frame. Awake it
	   polls, and may go to sleep at any time; it begins with draining the bell. */
	STEP(
#ifdef MUT_CLOSED_EARLY
		bell_closed = closed;
#endif
		if
		:: (bell_closed || gone) && !held -> check_end(); lock[k] = 0; FORGET; k = NONE; goto end
		:: else
		fi;
		if
		:: held -> goto release
		:: !held && !writer_lock ->
#ifdef MUT_DEAD_EARLY
			check_end(); lock[k] = 0; FORGET; k = NONE; goto end
#else
			gone = 1; timed = 0; goto again
#endif
		:: !held && !(timed && !writer_lock)
		fi;
		timed = 0;
		if
		:: NEWS -> goto again
#ifndef MUT_NO_DRAIN
		:: bell[k] = 0
#else
		:: skip
#endif
		fi);
	/* The news is one step: it stays, so what came between the loads rings. */
#ifdef MUT_NEWS_BEFORE_LISTEN
	STEP(if :: NEWS -> goto again :: else fi);
	STEP(kick[k] = 0);
#else
	STEP(kick[k] = 0);
#ifdef MUT_EVICTION_NO_NEWS
	STEP(if :: latest_seq != bell_latest || closed != bell_closed -> goto awake :: else fi);
#else
	STEP(if :: NEWS -> goto awake :: else fi);
#endif
#endif
#ifdef IDLE
end_asleep: /* Idle() looks whether it may */
#endif
	atomic {
		if
		:: bell[k] > 0 -> bell[k]--
		:: writer_crashed -> timed = 1
		:: timeouts > 0 -> timeouts--
		:: CRASH(skip)
		fi
	};
awake:
	/* The load and the store are one step: a ring in between is as one before. */
#ifdef MUT_KICK_STAYS
	STEP(goto again);
#else
	STEP(kick[k] = 1; bell_latest = 0; bell_closed = 0; goto again);
#endif

release:
	/* flip_reader_release, of any frame that is held; or first it looks for one more. */
	STEP(
		if
		:: leaves > 0 -> leaves--; goto leave
#if HOLDS == 2
		:: (held == 1 || held == 2 || held == 4) && state[k] != FREE && !more -> more = 1; goto again
#endif
		:: skip
		fi;
		if
		:: held & 1 -> i = 0
		:: held & 2 -> i = 1
		:: held & 4 -> i = 2
		fi;
		clear_bit();
		held = held & ~BIT(i); s = held_seq[i]; held_seq[i] = 0;
		if
#ifdef MUT_EVICTION_BY_RELEASE
		:: !was -> evicted = 1
#else
		:: !was
#endif
		:: was ->
			assert(!(torn[me] & BIT(i))); /* nobody drew while it was read */
			assert(pixels[i] == s);
			owed[k] = owed[k] & ~BIT(s);
			last = LARGER(s, last); given[k] = (mode == MAILBOX -> LARGER(s, given[k]) : 0)
		fi;
		end_use(i);
		s = 0; i = 0; was = 0; more = 0;
#ifdef MUT_RELEASE_NO_RING
		last_one = 0;
#endif
		if
		:: !last_one && held -> goto release
		:: !last_one && !held -> goto again
		:: last_one -> last_one = 0
		fi);
	ring_writer();
	STEP(if :: held -> goto release :: else -> goto again fi);

leave:
	do
	:: STEP(
		if
		:: held & 1 -> i = 0
		:: held & 2 -> i = 1
		:: held & 4 -> i = 2
		:: !held -> n = k; lock[k] = 0; k = NONE; break
		fi;
		owed[k] = ((own[i] & BIT(k)) != 0 -> owed[k] & ~BIT(held_seq[i]) : owed[k]);
		clear_bit();
		held = held & ~BIT(i); held_seq[i] = 0; end_use(i); i = 0; was = 0; last_one = 0)
	od;
	atomic {
		if
		:: departures++
		:: CRASH(skip)
		fi
	};
#ifndef MUT_LEAVE_NO_RING
	ring_writer();
#endif
	atomic {
		FORGET;
		if
		:: goto attach
		:: goto end
		fi
	};
end:
	skip
}

/* ==== the writer */

#if READERS == 2
#define EACH(what) what(0); what(1)
#else
#define EACH(what) what(0)
#endif

#define WSTEP(x) atomic { if \
	:: x \
	:: writer_crashes > 0 -> writer_crashes--; \
		if :: locked != NONE -> lock[locked] = 0 :: else fi; \
		writer_lock = 0; writer_crashed = 1; goto end_crashed \
	fi }

/* flip_ring_reader. Load and exchange are one step, as in ring_writer. */
inline ring(r)
{
	do
#ifdef MUT_RING_ALWAYS
	:: WSTEP(if :: state[r] == FREE -> break :: else fi);
#else
#ifdef MUT_RING_NO_CLAIM
	:: WSTEP(if :: state[r] == FREE || kick[r] == 1 -> break :: else fi);
#else
#ifdef MUT_RING_NO_LOAD
	:: WSTEP(if :: state[r] == FREE -> break :: else -> go = kick[r]; kick[r] = 1; if :: go -> go = 0; break :: else fi fi);
#else
	:: WSTEP(if :: state[r] == FREE || kick[r] == 1 -> break :: else -> kick[r] = 1 fi);
#endif
#endif
#endif
	   WSTEP(bell[r]++; assert(bell[r] <= BELL_MAX); break)
	od
}

/* The look at the state is one step with the ring: it does not become FREE but by the writer. */
inline ring_all()
{
	WSTEP(left = attached);
	do
	:: !left -> break
	:: left & 1 -> ring(0); left = left & ~1
#if READERS == 2
	:: left == 2 -> ring(1); left = 0
#endif
	od
}

/* Takes reader r's bit off every slot. What it was owed, it is not any more. */
inline sweep(r)
{
	do
	:: WSTEP(
#ifndef MUT_SWEEP_KEEPS_QUEUE
		queue = queue & ~BIT(r);
#endif
		owed[r] = ((own[c] & BIT(r)) != 0 -> owed[r] & ~BIT(seq[c]) : owed[r]);
		own[c] = own[c] & ~BIT(r);
		c++;
		if
		:: c == N -> c = 0; break
		:: else
		fi)
	od
}

/* The reader is gone: of its bit and its entry nobody knows but who takes the lock. So the sweep is one step with taking it,
   and what follows one with dropping it. */
inline reap_one(r)
{
	do
	:: WSTEP(
		if
		:: !(left & BIT(r)) || lock[r] -> break
		:: else ->
			lock[r] = 1; locked = r; unclean[r] = 0;
#ifndef MUT_FREE_BEFORE_SWEEP
			owed[r] = 0; queue = queue & ~BIT(r); own[0] = own[0] & ~BIT(r); own[1] = own[1] & ~BIT(r);
#if N == 3
			own[2] = own[2] & ~BIT(r)
#endif
#endif
		fi);
	   WSTEP(state[r] = FREE; attached = attached & ~BIT(r); lock[r] = 0; locked = NONE
#ifdef MUT_FREE_BEFORE_SWEEP
	   );
	   sweep(r);
	   WSTEP(
#else
		;
#endif
		break)
	od
}

inline reap()
{
	EACH(reap_one)
}

/* Whether there is somebody to find. */
#define GONE(r) ((attached & BIT(r)) && !lock[(r) % ENTRIES])

inline evict_one(r)
{
	if
	:: left & BIT(r) ->
#ifdef MUT_EVICT_BEFORE_SWEEP
		WSTEP(state[r] = EVICT; was_evicted[r] = (kind[r] == FIFO));
		sweep(r);
#else
		WSTEP(was_evicted[r] = (kind[r] == FIFO));
		sweep(r);
		/* The look whether it is free is one step with the store: nobody else frees. */
		WSTEP(assert(state[r] != FREE); state[r] = EVICT; was_evicted[r] = (kind[r] == FIFO));
#endif
#ifndef MUT_EVICTION_NO_RING
		ring(r)
#endif
	:: else
	fi
}

/* f: the slot of the oldest frame that is not in `tried`, or NONE. */
#define OLDER(a, b) (!(tried & BIT(a)) && (b == NONE || frame[a] < frame[b % N]) -> a : b)
inline oldest()
{
	f = NONE;
	f = OLDER(0, f);
	f = OLDER(1, f);
#if N == 3
	f = OLDER(2, f);
#endif
}

/* flip_roster_admit. JOIN stays JOIN until the writer changes it, the mode stays under it, and `first` is written by others
   only where it is not 0 or where the state is EVICT: so it is one step a reader. */
inline admit_one(r)
{
	WSTEP(
		if
		:: (left & BIT(r)) && state[r] == JOIN ->
			queue = (kind[r] == FIFO -> queue | BIT(r) : queue);
			first[r] = (first[r] == 0 && kind[r] == FIFO -> s : first[r]); /* only fifo readers look at it */
			state[r] = LIVE
		:: else
		fi)
}

inline make_latest(slot)
{
	latest_seq = s; latest_slot = slot;
#if READERS == 2
	owed[1] = (queue & 2 -> owed[1] | BIT(s) : owed[1]);
#endif
	owed[0] = (queue & 1 -> owed[0] | BIT(s) : owed[0])
}

proctype Writer()
{
	byte frame[N]; /* struct flip_frames */
	byte newest;
	byte s = 1; /* of the next frame */
	byte f = NONE; /* slot */
	byte tried, seen_departures, left, c;
	byte locked = NONE;
	byte phase; /* 0: did not wait, 1: listens, 2: and has evicted */
	bit go, timed;

take:
	/* flip_owner_take: one compare-and-swap a step. */
	do
	:: WSTEP(
		tried = tried | BIT(newest);
		oldest();
		if
		:: f == NONE -> tried = 0; goto starved
		:: f != NONE && own[f] == 0 -> own[f] = WRITER; tried = 0; break
		:: f != NONE && own[f] != 0 -> tried = tried | BIT(f)
		fi)
	od;
	/* Also draws: torn is told to who uses the slot now, and to who begins to use it while the word has W. */
	WSTEP(
#ifndef MUT_SEQUENCE_STAYS
		seq[f] = 0;
#endif
		frame[f] = 0;
		assert(own[f] == WRITER); assert(f != latest_slot || latest_seq == 0); /* I4 */
		pixels[f] = s; torn[0] = torn[0] | (using[0] & BIT(f));
#if READERS == 2
		torn[1] = torn[1] | (using[1] & BIT(f));
#endif
		if
		:: phase == 0 -> goto drawn
		:: phase > 0 -> phase = 0
		fi);
#ifndef MUT_WAITS_STAYS
	WSTEP(writer_waits = 0);
#endif
	goto drawn;

starved:
	WSTEP(
		if
		:: phase == 0 -> goto listen
#ifdef EVICTIONS
		:: phase == 1 -> goto evict
#endif
#ifdef DROPS
		:: phase > 0 -> phase = 0; writer_waits = 0; goto take
#endif
		:: phase > 0 -> phase = 0
		fi;
#ifdef MUT_LISTEN_AFTER_TAKE
		writer_waits = 1
#else
		/* Polls for the flag, or looks at it once and sleeps. */
		if
		:: writer_waits == 0 -> goto listen
		:: else
		fi
#endif
	);
	WSTEP(if
	      :: writer_bell > 0 -> writer_bell--
	      :: unclean[0] || unclean[ENTRIES - 1] || half_rung -> half_rung = 0; timed = 1
	      :: timeouts > 0 -> timeouts--
	      fi);
listen:
	WSTEP(writer_bell = 0);
#ifndef MUT_LISTEN_AFTER_TAKE
	WSTEP(writer_waits = 1);
#endif
	/* reap_if_due: surely if somebody left, or after the tick; maybe at any other time. */
	WSTEP(
		phase = 1;
		if
		:: departures != seen_departures || timed -> seen_departures = departures; timed = 0
		:: !timed && departures == seen_departures -> goto take
		:: !timed && departures == seen_departures && (GONE(0) || GONE(1))
		fi;
		left = attached);
	reap();
	WSTEP(left = 0; goto take);

#ifdef EVICTIONS
evict:
	/* flip_owner_holders_of_oldest */
	WSTEP(phase = 2; tried = BIT(newest); oldest(); tried = 0; left = own[f] & 3; f = NONE);
	EACH(evict_one);
	WSTEP(left = 0; goto take);
#endif

drawn:
	/* publish, or cancel */
	WSTEP(
		if
		:: aborts > 0 ->
			aborts--;
#ifndef MUT_SEQUENCE_STAYS
			seq[f] = 0;
#endif
			goto cancel
#ifdef IDLE
		:: idle = 1; goto end_idle
#endif
		:: left = attached
		fi);
	EACH(admit_one);
#ifdef MUT_RING_BEFORE_LATEST
	ring_all();
#endif
	/* The sequence and the word are one step: while the word has W nobody believes the sequence. */
#ifdef MUT_LATEST_BEFORE_OWN
	WSTEP(seq[f] = s; frame[f] = s; newest = f; make_latest(f));
	WSTEP(own[f] = queue; f = NONE; left = 0; s++);
#else
	WSTEP(assert(own[f] == WRITER); seq[f] = s; frame[f] = s; newest = f; own[f] = queue);
	WSTEP(make_latest(f); f = NONE; left = 0; s++);
#endif
#ifndef MUT_RING_BEFORE_LATEST
	ring_all();
#endif
	/* reap_if_due: not noticing yet that somebody left is as if it left later. */
	WSTEP(
		if
		:: s > F -> closed = 1; goto close
#ifdef IDLE
		:: s > F -> idle = 1; goto end_idle
#endif
		:: s <= F -> goto take
		:: s <= F && (GONE(0) || GONE(1)) -> seen_departures = departures; left = attached
		fi);
	reap();
	WSTEP(left = 0; goto take);

cancel:
	WSTEP(own[f] = 0; f = NONE; goto take);

#ifdef IDLE
end_idle:
	(0);
#endif

close:
	/* flip_writer_destroy */
	ring_all();
	WSTEP(writer_lock = 0);
end_crashed:
	skip
}
#ifdef IDLE
/* When nothing moves any more: who is attached waits rightly. */
#define CONTENT(x) (!lock[x] || idle && state[x] != EVICT && owed[x] == 0 && (kind[x] == FIFO || given[x] == latest_seq))
proctype Idle()
{
	atomic { timeout -> assert(CONTENT(0) && CONTENT(ENTRIES - 1)) }
}
#endif

#define DRAW(budget, most) do :: budget < most -> budget++ :: break od

init {
	atomic {
		DRAW(crashes, CRASHES);
		DRAW(leaves, LEAVES);
		DRAW(writer_crashes, WRITER_CRASHES);
		DRAW(aborts, ABORTS);
		DRAW(timeouts, TIMEOUTS);
#if PRESENT
		kind[0] = MODE0; state[0] = JOIN; kick[0] = 1; lock[0] = 1; attached = 1;
#if READERS == 2
		kind[1] = MODE1; state[1] = JOIN; kick[1] = 1; lock[1] = 1; attached = 3;
#endif
#endif
#ifdef IDLE
		run Idle();
#endif
		run Writer();
		run Reader(0, MODE0);
#if READERS == 2
		run Reader(1, MODE1)
#endif
	}
}
