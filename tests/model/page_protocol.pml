/*
 * The page protocol of native-interop/core, for spin. README.md says what is in it, what is not, and how to run it.
 *
 * The problem: whoever moves a page changes its word and its mapping in two steps, and stores, breaks, pins, I/O and
 * the reuse of frames may come between any two. So word and mapping are two things here. Each step below is one that
 * the C code makes with one atomic instruction or one system call, and spin tries every order of them.
 *
 * Nothing is counted: threads and host go on for ever, until `over` becomes true, at any moment at all. So what is
 * proved holds for any number of passes, stores and breaks. After `over` everybody finishes what was begun, and spin
 * reports who cannot.
 *
 * Steps that are two in C and one here, with the reason:
 * - reading a word and its compare-and-swap: a swap that fails only leads to reading again;
 * - choosing what to do or what to store, and the first step of doing it: nobody sees the choice;
 * - the comparison and ps_word_advance: to everybody else SEALED and REMAPPING both mean "wait".
 *
 * Seeded faults stand under #ifdef beside the right step; `run` lists them and expects each to be found.
 */

/* Contents of a page, as one value: under a seal nothing changes, so nothing would be gained by comparing in parts. */
#define ZEROS 0
#define A 1
#define B 2
#define HOLE 3 /* backing: not there; reads as zeros, and the first load or store fills it */
#define NONE 4 /* anonymous copy: there is none */

/* ---- Page words (page_word.h): state, waiters bit, pins, generation. There is one frame in each store, so its number
 * is left out. ---- */
mtype = { PRIVATE, SEALED, REMAPPING, SHARED, KERNEL_SHARED, BREAKING, ZERO };

#define PAGES 2
mtype state[PAGES] = PRIVATE;
bool waiters[PAGES];
byte pins[PAGES];

/* ---- What the kernel knows of a page ---- */
mtype = { IDENTITY, FRAME, NEWER };
mtype mapping[PAGES] = IDENTITY;
bool writable[PAGES] = true;
byte anonymous[PAGES] = NONE; /* the kernel's own copy, in a private mapping of the frame */
byte backing[PAGES] = A;
byte frame = A;

/*
 * Four worlds, each small enough to be searched to the end:
 * - SHARING: thread 1 stores to page 0 and breaks it; thread 2 stores to page 1, a neighbour or another guest's page,
 *   which shares the same frame. In Signal mode thread 0 stores to page 0 too; in Kernel mode thread 2 breaks page 1
 *   too. Nobody stores zeros;
 * - IO: page 0 alone; both threads store, break, pin and do I/O, and every system call may fail;
 * - SCANNERS: page 0 alone; a second thread of the host gives orders that need no frame;
 * - MOVES: page 0 alone; at any moment another host takes over, with a store of its own. Nobody stores zeros, and
 *   every system call may fail.
 */
#define THREADS 3
#define PAGE_OF(thread) (thread / 2)
#ifdef SHARING
#define HAS_SECOND_PAGE true
#else
#define HAS_SECOND_PAGE false
#endif
#if defined(SHARING) || defined(MOVES)
#define STORES_ZEROS false
#else
#define STORES_ZEROS true
#endif
#if defined(IO) || defined(MOVES)
#define CALLS_FAIL true
#else
#define CALLS_FAIL false
#endif
#ifdef ENDS
#define FAILS (CALLS_FAIL && !over)
#else
#define FAILS CALLS_FAIL
#endif
bool asleep[THREADS];   /* in the futex */
bool io_holds[THREADS]; /* I/O holds the memory that the backing has now; a punch takes that away from the page */
bool over;

/* ---- What the host keeps: which pages it counts as users of its frame ---- */
bool recorded[PAGES];

/* ---- The store of the host that has taken over (store.h), and the generation in page words ---- */
#ifdef MOVES
bool taken;
byte newer = A;
bool is_newer[PAGES]; /* means something where the state names a frame */
#define STORE_FRAME (taken -> newer : frame)
#define STORE_MAPPING (taken -> NEWER : FRAME)
#define SHOWN_FRAME(p) (mapping[p] == NEWER -> newer : frame)
#define NAMED_MAPPING(p) (is_newer[p] -> NEWER : FRAME)
#define IS_OF_STORE(p) (is_newer[p] == taken)
#define NAME_STORE(p) is_newer[p] = taken
#else
#define STORE_FRAME frame
#define STORE_MAPPING FRAME
#define SHOWN_FRAME(p) frame
#define NAMED_MAPPING(p) FRAME
#define IS_OF_STORE(p) true
#define NAME_STORE(p) skip
#endif

/* ---- What must be: each page reads as what was last stored to it ---- */
byte last_stored[PAGES] = A;

#ifdef KERNEL
#define IS_KERNEL true
#define SHARED_STATE KERNEL_SHARED
#else
#define IS_KERNEL false
#define SHARED_STATE SHARED
#endif
#define IS_TRANSIENT(p) (state[p] == SEALED || state[p] == REMAPPING || state[p] == BREAKING)
#define IS_OWN(p) (state[p] == PRIVATE || state[p] == ZERO)
#define READ_BACKING(p) (backing[p] == HOLE -> ZEROS : backing[p])
#define READ_FRAME(p) (anonymous[p] == NONE -> SHOWN_FRAME(p) : anonymous[p])
#define VIEW(p) (mapping[p] == IDENTITY -> READ_BACKING(p) : READ_FRAME(p))

/* ---- Properties. A failed check prints one of these names; else none ever becomes true. ---- */
bool wrong_byte;                        /* a load would not return what was last stored */
bool word_lies;                         /* a settled word says what the mapping is not */
bool frame_changed_while_mapped;
bool system_call_failed_on_pinned_page; /* EFAULT */
bool store_taken_for_foreign;           /* forwarded to the handler before ours, which ends the guest */

/* A host that has taken over counts no users of the older store: it leaves that alone. */
#define IS_COUNTED(p) (recorded[p] || !IS_OF_STORE(p))

#define WORD_IS_TRUE(p) ((!IS_OWN(p) || (mapping[p] == IDENTITY && writable[p])) \
    && (state[p] != SHARED || (mapping[p] == NAMED_MAPPING(p) && !writable[p] && IS_COUNTED(p))) \
    && (state[p] != KERNEL_SHARED || (mapping[p] == NAMED_MAPPING(p) && IS_COUNTED(p))) \
    && (state[p] != SHARED_STATE || FAILS || backing[p] == HOLE) \
    && (pins[p] == 0 || state[p] == PRIVATE) && (!waiters[p] || IS_TRANSIENT(p)))

/* Runs only when something is wrong, so it adds no states: spin looks at its guards after every step of the others. */
active proctype Monitor()
{
end:
    if
    :: atomic { VIEW(0) != last_stored[0] || VIEW(1) != last_stored[1] -> wrong_byte = true; assert(!wrong_byte) }
#ifdef CHECK_WORDS
    :: atomic { !WORD_IS_TRUE(0) || !WORD_IS_TRUE(1) -> word_lies = true; assert(!word_lies) }
#endif
    fi
}

/*
 * With -DENDS system calls fail no more once it is over, and then nobody may go round in circles either, so that each
 * store lands in the end.
 */
#ifdef ENDS
never {
    do
    :: true
    :: over -> break
    od;
accept:
    do
    :: over
    od
}
#endif

/* ---- Words ---- */
inline ps_os_wake(p)
{
    d_step {
        asleep[0] = asleep[0] && p != PAGE_OF(0);
        asleep[1] = asleep[1] && p != PAGE_OF(1);
        asleep[2] = asleep[2] && p != PAGE_OF(2)
    }
}

inline ps_word_finish(p, settled)
{
    if
    :: d_step { !waiters[p] -> state[p] = settled }
    :: d_step { waiters[p] -> state[p] = settled; waiters[p] = false };
       ps_os_wake(p)
    fi
}

/* Seeded faults only. */
inline finish_without_wake(p, settled) { d_step { state[p] = settled; waiters[p] = false } }

/* ---- System calls (os.h). When one has returned, no store is under way through the mapping that was. ---- */
inline ps_os_seal(p) { writable[p] = false }
inline ps_os_unseal(p) { writable[p] = true }
inline ps_os_copy_home(p) { backing[p] = VIEW(p) }
inline ps_os_map_identity(p) { d_step { mapping[p] = IDENTITY; writable[p] = true; anonymous[p] = NONE } }
inline ps_os_map_frames(p) { d_step { mapping[p] = STORE_MAPPING; writable[p] = IS_KERNEL; anonymous[p] = NONE } }
inline ps_os_is_writable(p)
{
    d_step { store_taken_for_foreign = !writable[p]; assert(!store_taken_for_foreign) }
}
inline ps_os_drop_copies(p) { anonymous[p] = NONE }
inline ps_os_punch(p)
{
    d_step {
        backing[p] = HOLE;
        io_holds[0] = io_holds[0] && p != PAGE_OF(0);
        io_holds[1] = io_holds[1] && p != PAGE_OF(1)
    }
}

/* ---- Threads of the guest: stores with the fault handler (fault.c), ps_break (breaking.c), ps_pin (pin.c) ---- */

#define MAY_STORE (!over || refused)
#define STORES_TO_BACKING (MAY_STORE && writable[p] && mapping[p] == IDENTITY)
#define STORES_TO_FRAME (MAY_STORE && writable[p] && mapping[p] != IDENTITY)
#define STORE(memory, value) memory[p] = value; last_stored[p] = value; refused = false
#define MAY_CALL (!over && !refused && calls)

/* The device writes to the memory that the backing had when the I/O began. */
inline device_writes(value)
{
    d_step { backing[p] = (io_holds[me] -> value : backing[p]); last_stored[p] = value }
}

proctype Thread(byte me; byte p; bool calls)
{
    bool refused; /* a store faulted and has to be run again */
    mtype seen = PRIVATE;

end_next: /* the end when it is over and no store is refused */
    if
    :: d_step { STORES_ZEROS && STORES_TO_BACKING -> STORE(backing, ZEROS) }; goto end_next
    :: d_step { STORES_TO_BACKING -> STORE(backing, A) }; goto end_next
    :: d_step { STORES_TO_BACKING -> STORE(backing, B) }; goto end_next
    :: d_step { STORES_TO_FRAME && anonymous[p] == NONE -> anonymous[p] = SHOWN_FRAME(p) }; goto end_next
    :: d_step { STORES_ZEROS && STORES_TO_FRAME && anonymous[p] != NONE -> STORE(anonymous, ZEROS) }; goto end_next
    :: d_step { STORES_TO_FRAME && anonymous[p] != NONE -> STORE(anonymous, A) }; goto end_next
    :: d_step { STORES_TO_FRAME && anonymous[p] != NONE -> STORE(anonymous, B) }; goto end_next
    :: d_step { MAY_STORE && !writable[p] -> refused = true }; goto fault
    /* ps_break, which ps_pin calls first */
    :: d_step { MAY_CALL && IS_TRANSIENT(p) -> seen = state[p]; waiters[p] = true }; goto await
    :: d_step { MAY_CALL && state[p] == SHARED_STATE -> state[p] = BREAKING }; goto breaking
#ifdef IO
    :: d_step { MAY_CALL && IS_OWN(p) -> state[p] = PRIVATE; pins[p]++ }; goto pinned
#endif
    fi;

fault: /* on_store reads the word */
    if
    :: d_step { IS_TRANSIENT(p) -> seen = state[p]; waiters[p] = true }; goto await
#if defined(BREAK_UNCLAIMED)
    :: state[p] == SHARED_STATE; goto breaking
#elif defined(LEFTOVER_RETRIED)
    :: state[p] == KERNEL_SHARED; goto end_next
    :: d_step { state[p] == SHARED -> state[p] = BREAKING }; goto breaking
#else
    :: d_step { state[p] == SHARED_STATE -> state[p] = BREAKING }; goto breaking
#endif
    /* retry_if_writable keeps seals away while it asks the kernel */
    :: d_step { IS_OWN(p) && pins[p] == 0 -> seen = state[p]; state[p] = SEALED };
       ps_os_is_writable(p);
       ps_word_finish(p, seen);
       seen = PRIVATE
    :: d_step { IS_OWN(p) && pins[p] != 0 -> pins[p]++ };
       ps_os_is_writable(p);
       pins[p]--
    fi;
    goto end_next;

await: /* ps_word_await */
    if
    :: d_step { state[p] == seen && waiters[p] -> asleep[me] = true; seen = PRIVATE };
       !asleep[me]
    :: d_step { !(state[p] == seen && waiters[p]) -> seen = PRIVATE }
    fi;
    goto end_next;

breaking: /* ps_break_stretch: copy_and_map */
#ifndef BREAK_UNSEALED
    if
    :: !IS_KERNEL
    :: IS_KERNEL; ps_os_seal(p)
    :: FAILS; goto give_back
    fi;
#endif
#ifdef BREAK_MAPS_FIRST
    ps_os_map_identity(p);
#endif
    if
#ifdef BREAK_MAPS_FIRST
    :: backing[p] = frame
#else
    :: ps_os_copy_home(p)
#endif
    :: FAILS; goto give_back
    fi;
#ifdef BREAK_COMMITS_FIRST
    ps_word_finish(p, PRIVATE);
    ps_os_map_identity(p);
    goto end_next;
#endif
    if
    :: ps_os_map_identity(p)
    :: FAILS; goto give_back
    fi;
#ifdef BREAK_WITHOUT_WAKE
    finish_without_wake(p, PRIVATE);
#else
    ps_word_finish(p, PRIVATE);
#endif
    goto end_next;

give_back:
#ifndef GIVE_BACK_PUNCHES_LAST
    if
    :: ps_os_punch(p)
    :: FAILS
    fi;
#endif
    if
    :: !IS_KERNEL
    :: IS_KERNEL; ps_os_unseal(p)
    :: IS_KERNEL && FAILS /* ps_unseal_shared gives up: the next store breaks the page */
    fi;
    ps_word_finish(p, SHARED_STATE);
#ifdef GIVE_BACK_PUNCHES_LAST
    ps_os_punch(p);
#endif
    if
    :: goto end_next /* tried again after a pause */
    :: d_step { refused -> refused = false }; goto end_next /* SIGBUS */
    fi;

#ifdef IO
pinned: /* a system call or a device writes to the page */
    atomic {
        if
        :: writable[p] && mapping[p] == IDENTITY
        :: else -> system_call_failed_on_pinned_page = true; assert(!system_call_failed_on_pinned_page)
        fi;
        io_holds[me] = true;
        backing[p] = READ_BACKING(p)
    };
    if
    :: device_writes(ZEROS)
    :: device_writes(A)
    :: device_writes(B)
    fi;
    d_step { io_holds[me] = false; pins[p]-- }; /* ps_unpin */
    goto end_next
#endif
}

/* ---- The host: scanner (merge.c), settling (settle.c), and who uses the frame ---- */

#ifdef PIN_IGNORED
#define MAY_SEAL(p) (state[p] == PRIVATE)
#else
#define MAY_SEAL(p) (state[p] == PRIVATE && pins[p] == 0)
#endif

#ifdef EARLY_REUSE
#define HAS_FRAME(p) (state[p] == SHARED_STATE || state[p] == REMAPPING)
#else
#define HAS_FRAME(p) (state[p] == SHARED_STATE || state[p] == REMAPPING || state[p] == BREAKING)
#endif
#define NAMES_FRAME(p) (HAS_FRAME(p) && IS_OF_STORE(p))

#ifdef MOVES
#define SET_STORE_FRAME(value) newer = (taken -> value : newer); frame = (taken -> frame : value)
#else
#define SET_STORE_FRAME(value) frame = value
#endif

/* Nobody uses the frame as far as the host knows, so it may hold other bytes from now on. */
inline reuse_frame(value)
{
    d_step {
        shares && !over && !recorded[0] && !recorded[1] && STORE_FRAME != value ->
        frame_changed_while_mapped = mapping[0] == STORE_MAPPING || mapping[1] == STORE_MAPPING;
        assert(!frame_changed_while_mapped);
        SET_STORE_FRAME(value)
    }
}

/* The frame of an older store cannot be looked at. */
#ifdef SETTLE_BY_NUMBER
#define EQUALS_FRAME(p) (VIEW(p) == STORE_FRAME)
#else
#define EQUALS_FRAME(p) (IS_OF_STORE(p) && VIEW(p) == STORE_FRAME)
#endif

proctype Host(bool shares)
{
    byte p;

end_pass:
    if
    :: reuse_frame(A); goto end_pass
    :: reuse_frame(B); goto end_pass
#ifdef MOVES
    /* ps_region_set_store: the new host has found no record of anything */
    :: d_step { !over && !taken -> taken = true; recorded[0] = false }; goto end_pass
#endif
    :: atomic {
        !over ->
        if
        :: p = 0
        :: HAS_SECOND_PAGE; p = 1
        fi;
        if
        :: shares && recorded[p] && !NAMES_FRAME(p) -> recorded[p] = false; p = 0; goto end_pass /* Reconcile */
        :: shares && state[p] == ZERO -> state[p] = PRIVATE; p = 0; goto end_pass /* written again */
#ifdef HASH_ONLY
        :: shares && !recorded[p] && VIEW(p) == frame -> recorded[p] = true; goto hashed
#else
        /* Any page may be tried: equal hashes are no promise. The host counts the new user after the order, but frees
         * no frame before that, so the user may as well be counted here. */
        :: shares && !recorded[p] && MAY_SEAL(p) -> recorded[p] = true; state[p] = SEALED; goto merge
#endif
#ifdef MOVES
        :: taken && !recorded[p] && state[p] == SHARED_STATE && !is_newer[p] ->
           recorded[p] = true; state[p] = BREAKING; goto move
#endif
        :: STORES_ZEROS && (MAY_SEAL(p) || state[p] == ZERO) ->
#ifdef ZERO_BY_WORD
           if
           :: state[p] == ZERO -> state[p] = SEALED; goto punch_zero
           :: else
           fi;
#endif
           state[p] = SEALED; goto merge_zero
        /* pagemap told some time ago which pages have copies, so any may be named */
        :: state[p] == KERNEL_SHARED -> state[p] = BREAKING; goto settle
        :: else -> p = 0; goto end_pass
        fi
       }
    fi;

#ifdef HASH_ONLY
hashed:
    if
    :: d_step { MAY_SEAL(p) -> state[p] = SEALED }
    :: d_step { !MAY_SEAL(p) -> recorded[p] = false; p = 0 }; goto end_pass
    fi;
#endif

merge: /* ps_merge, target: the frame */
#ifdef COMPARE_BEFORE_SEAL
    if
    :: VIEW(p) == STORE_FRAME
    :: VIEW(p) != STORE_FRAME; goto lift_seal
    fi;
#endif
    if
    :: ps_os_seal(p)
    :: FAILS; goto lift_seal
    fi;
#if defined(COMPARE_BEFORE_SEAL) || defined(HASH_ONLY)
    state[p] = REMAPPING;
#elif defined(WAITERS_LOST)
    if
    :: d_step { VIEW(p) == STORE_FRAME -> state[p] = REMAPPING; waiters[p] = false }
    :: VIEW(p) != STORE_FRAME; goto lift_seal
    fi;
#else
    if
    /* ps_word_advance keeps the waiters bit */
    :: d_step { VIEW(p) == STORE_FRAME -> state[p] = REMAPPING; NAME_STORE(p) }
    :: VIEW(p) != STORE_FRAME; goto lift_seal
    fi;
#endif
#ifdef EARLY_PUNCH
    ps_os_punch(p);
#endif
    if
    :: ps_os_map_frames(p)
    :: FAILS; goto lift_seal
    fi;
#ifndef LATE_PUNCH
    if
    :: ps_os_punch(p)
#ifdef PUNCH_BACKS_OUT
    :: FAILS; ps_os_map_identity(p); goto lift_seal
#else
    :: FAILS /* wastes memory and nothing else */
#endif
    fi;
#endif
#ifdef MERGE_WITHOUT_WAKE
    finish_without_wake(p, SHARED_STATE);
#else
    ps_word_finish(p, SHARED_STATE);
#endif
#ifdef LATE_PUNCH
    ps_os_punch(p);
#endif
    p = 0;
    goto end_pass;

merge_zero: /* ps_merge, target: PS_TARGET_ZERO */
    if
    :: ps_os_seal(p)
    :: FAILS; goto lift_seal
    fi;
    if
    :: VIEW(p) == ZEROS
    :: VIEW(p) != ZEROS; goto lift_seal
    fi;
#ifdef ZERO_BY_WORD
punch_zero:
#endif
#if defined(ZERO_DECLARED_FIRST)
    ps_word_finish(p, ZERO);
    ps_os_punch(p);
    ps_os_unseal(p);
#elif defined(ZERO_UNSEALED_LAST)
    ps_os_punch(p);
    ps_word_finish(p, ZERO);
    ps_os_unseal(p);
#elif defined(ZERO_UNSEALED_FIRST)
    ps_os_unseal(p);
    ps_os_punch(p);
    ps_word_finish(p, ZERO);
#else
    if
    :: ps_os_punch(p)
    :: FAILS; goto lift_seal
    fi;
    ps_os_unseal(p);
    ps_word_finish(p, ZERO);
#endif
    p = 0;
    goto end_pass;

lift_seal:
#ifdef PRIVATE_BEFORE_UNSEAL
    ps_word_finish(p, PRIVATE);
    ps_os_unseal(p);
#else
    ps_os_unseal(p);
    ps_word_finish(p, PRIVATE);
#endif
    d_step { recorded[p] = recorded[p] && !shares; p = 0 };
    goto end_pass;

#ifdef MOVES
move: /* ps_move */
#ifndef MOVE_UNSEALED
    if
    :: !IS_KERNEL
    :: IS_KERNEL; ps_os_seal(p)
    :: IS_KERNEL && FAILS; goto not_moved
    fi;
#endif
    if
    :: VIEW(p) == newer
    :: VIEW(p) != newer && anonymous[p] == NONE; goto not_moved
#ifdef MOVE_FORGETS_COPIES
    :: VIEW(p) != newer && anonymous[p] != NONE
#else
    :: VIEW(p) != newer && anonymous[p] != NONE; goto bring_home
#endif
    fi;
#ifdef MOVE_COMMITS_FIRST
    is_newer[p] = true;
    ps_word_finish(p, SHARED_STATE);
    ps_os_map_frames(p);
    p = 0;
    goto end_pass;
#endif
    if
    :: ps_os_map_frames(p)
    :: FAILS; goto not_moved
    fi;
#ifndef MOVE_KEEPS_GENERATION
    is_newer[p] = true; /* seen by nobody before the next step */
#endif
    ps_word_finish(p, SHARED_STATE);
    p = 0;
    goto end_pass;

bring_home:
    if
    :: ps_os_copy_home(p)
    :: FAILS; goto not_brought_home
    fi;
    if
    :: ps_os_map_identity(p)
    :: FAILS; goto not_brought_home
    fi;
    ps_word_finish(p, PRIVATE);
    d_step { recorded[p] = false; p = 0 };
    goto end_pass;

not_brought_home:
    if
    :: ps_os_punch(p)
    :: FAILS
    fi;

not_moved:
#ifdef MOVE_UNSEALS_LAST
    ps_word_finish(p, SHARED_STATE);
    if
    :: !IS_KERNEL
    :: IS_KERNEL; ps_os_unseal(p)
    fi;
#else
    if
    :: !IS_KERNEL
    :: IS_KERNEL; ps_os_unseal(p)
    :: IS_KERNEL && FAILS
    fi;
    ps_word_finish(p, SHARED_STATE);
#endif
    d_step { recorded[p] = false; p = 0 };
    goto end_pass;
#endif

settle: /* ps_settle */
#ifndef DROP_UNSEALED
    if
    :: ps_os_seal(p)
    :: FAILS; goto unsettled
    fi;
#endif
    if
    :: EQUALS_FRAME(p);
       if
       :: ps_os_drop_copies(p)
       :: FAILS
       fi;
       goto unsettled
    :: !EQUALS_FRAME(p)
    fi;
    if
    :: ps_os_copy_home(p)
    :: FAILS; goto not_home
    fi;
    if
    :: ps_os_map_identity(p)
    :: FAILS; goto not_home
    fi;
    ps_word_finish(p, PRIVATE);
    p = 0;
    goto end_pass;

not_home:
    if
    :: ps_os_punch(p)
    :: FAILS
    fi;

unsettled:
    if
    :: ps_os_unseal(p)
    :: FAILS
    fi;
    ps_word_finish(p, KERNEL_SHARED);
    p = 0;
    goto end_pass
}

init
{
    atomic {
        run Host(true);
#ifdef SCANNERS
        run Host(false);
#endif
#if defined(SHARING) && defined(KERNEL)
        run Thread(2, 1, true);
#elif defined(SHARING)
        run Thread(2, 1, false);
        run Thread(0, 0, false);
#elif defined(IO)
        run Thread(0, 0, true);
#else
        run Thread(0, 0, false);
#endif
        run Thread(1, 0, true)
    };
    over = true
}
