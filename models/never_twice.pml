/* One piece of a plan, from intent to proof: who may send it, and what is remembered of it, through crashes and losses.

   Two workers (two processes that repay for one account), an exchange, a network, a clock, and a person who starts
   the command again, restores or deletes the journal, adopts it, or corrects an attempt. Workers are killed at any
   step and start again from the journal; requests are lost, late or refused; answers are lost or untrue; an
   accepted request takes effect when it pleases. What a snapshot proves is the subject of `verdict.pml`; here a snapshot
   after the deadline is true, or other users disturb it: then it decides nothing, or takes what
   another user repaid for ours.

   Checked over every interleaving:
     never twice   the exchange executes at most one of the requests                          NEVER_TWICE
     none lost     all that it executes is in the journal before it is sent                   NONE_LOST
     no wrong end  what is NOT_SENT, REJECTED or PROVEN_NOT_EXECUTED never executes; a plan
                   is DONE only if it was paid, or another user did                    NO_WRONG_NOT, NO_WRONG_DONE
     always ends   every run comes to DONE, STOPPED or UNDECIDED, or is refused (weak
                   fairness)                                                                  ltl ends
   and that each of these ends is reached at all (REACHED).

   A plan in another journal, begun when nothing was in doubt, is a new request: what it pays counts anew, while what is
   still on its way from before is counted against it.

   Defences, each of which can be taken away (0); `VARIANTS` in tests/repay/evidence/test_models.py gives for each what breaks:
     settled 1          a lost answer is settled before anything else is sent
     intent_first 1     the intent is in the journal before the request leaves
     deadline 1         a snapshot counts only when the request can no longer act
     one_lock 1         one process at a time works for the account (0: their locks lie in different directories)
     one_open 1         the journal's index: no second attempt is begun while one is open
     number 1           the journal's numbers: a process that missed an attempt cannot begin one
     look_behind 1      a refusal is verified before anything else is sent
     memory 1           a journal that knows less than is remembered next to the lock is refused, and so is another one
                        while a doubt is remembered
     memory_first 1     what was begun is remembered before the request leaves
     file_check 1       a connection whose file was replaced sends nothing
     resign_check 1     a request is signed again only while its attempt is an INTENT
     person_waits 1     a person states "not executed", or adopts, only after the deadline
   The world, and the values that deny a part of it:
     recv_window 1      a request is not accepted after its recvWindow
     once 1             the network delivers a request once
     memory_kept 1      the memory next to the lock is not restored together with the journal
     person_right 1     a person who corrects or adopts knows what happened
     lies 1             refusals may be untrue; a snapshot after them shows it
   How much of it: tries, workers (1 or 2), kills, strangers (snapshots that other users disturb), runs (the command
   is given again), resigns, restores (or deletions), corrections (or adoptions).

   Not modelled: the disk under the journal (SQLite's own durability), a file that is overwritten in place, fork, a second
   machine, keys and names of accounts, plan keys, and stops by a person. Two denials at once are not tried either, but for
   those that the variants name.

   All switches are read from the environment, so that one compiled program runs every variant:
     spin -a never_twice.pml && gcc -O2 -DSAFETY -DNOCLAIM -o pan pan.c && settled=0 watch_ends=0 ./pan -m300000
     settled=0 watch_ends=0 ./pan -r          shows the history that it found */

#define TRIES 3
#define NOBODY 99

c_decl {
\#include <stdlib.h>
static int given(const char *name, int usual) { const char *text = getenv(name); return text ? atoi(text) : usual; }
};
#define SWITCH(name, usual) c_code { now.name = given(#name, usual); };

byte tries, workers, kills, strangers, runs, resigns, restores, corrections;
bit settled, intent_first, deadline, one_lock, one_open, number, look_behind;
bit memory, memory_first, file_check, resign_check, person_waits;
bit recv_window, once, memory_kept, person_right, lies;
bit watch_twice, watch_lost, watch_ends;
byte reach;

/* REFUSED: the exchange refused, and that is not verified yet. */
mtype:attempt = { NONE, INTENT, EXECUTED, REFUSED, REJECTED, NOT_SENT, UNKNOWN, PROVEN_EXECUTED, PROVEN_NOT_EXECUTED };
mtype:plan = { RUNNING, DONE, STOPPED, UNDECIDED };
mtype:answer = { SILENCE, YES, NO };

/* Two journals: the first, and the copy of it, or the new one, that may come to stand in its place. */
mtype:attempt journal[6] = NONE;
byte begun[2];
mtype:plan plan[2] = RUNNING;
bit there = 0;                  /* the one that the path leads to */
bit copied = 0;                 /* a backup was made */
bit another = 0;                /* the one in its place is no copy: it has an identity of its own */
bit accepted = 0;               /* a worker goes on with the one in its place */
byte slots = 0;                 /* requests that were ever signed */

/* What is remembered next to the lock, as far as it is compared: whether an attempt was open in the first journal, and
   whether its count went beyond that of the backup. `newer`: it did, remembered or not. */
bit doubt = 0;
bit behind = 0;
bit newer = 0;
bit copied_doubt = 0;

/* The kernel's lock: released when its holder is killed. */
byte holder = NOBODY;

/* The wire and the exchange, by request. */
byte in_flight[TRIES];
bit running[TRIES];             /* accepted, not yet in effect */
mtype:answer answer[TRIES] = SILENCE;
byte executions[TRIES];
byte paid = 0;
bit stranger = 0;               /* what another user repaid was taken for ours */
bit stamped[TRIES];
bit expired[TRIES];             /* older than its recvWindow: can no longer be accepted */
bit dead[TRIES];                /* and nothing that was accepted is still running */

bit refused = 0;                /* a worker was refused for its journal: a person must act */

#define AT(file, k) journal[(file) * TRIES + (k)]
#define OPEN(f, k) (AT(f, k) == INTENT || AT(f, k) == UNKNOWN)
#define PAID(f, k) (AT(f, k) == EXECUTED || AT(f, k) == PROVEN_EXECUTED)
#define ANY_OPEN(f) (OPEN(f, 0) || OPEN(f, 1) || OPEN(f, 2))
#define ANY_REFUSED(f) (AT(f, 0) == REFUSED || AT(f, 1) == REFUSED || AT(f, 2) == REFUSED)
#define ANY_PAID(f) (PAID(f, 0) || PAID(f, 1) || PAID(f, 2))
#define ALIVE(k) (stamped[k] && !dead[k])

#define NEVER_TWICE assert(!watch_twice || paid < 2)
#define NONE_LOST(k) assert(!watch_lost || AT(0, k) != NONE || AT(1, k) != NONE)
#define IS_NOT(f, k) (AT(f, k) == NOT_SENT || AT(f, k) == REJECTED || AT(f, k) == PROVEN_NOT_EXECUTED)
#define NO_WRONG_NOT(k) assert(!watch_ends || !IS_NOT(there, k))
#define NO_WRONG_DONE assert(!watch_ends || paid > 0 || stranger)
#define REACHED(what) assert(reach != what)

/* Every commit of a journal counts; what is remembered follows, unless the worker dies in between. */
inline committed() {
  if
  :: file == 0 && copied -> newer = 1
  :: else
  fi
}

inline remember() {
  d_step {
    if
    :: holder == _pid || !one_lock ->
       doubt = ANY_OPEN(file);
       if :: file == 0 && newer -> behind = 1 :: else fi
    :: else
    fi
  }
}

/* kill -9, at every place where this stands */
inline may_die() {
  if
  :: atomic { kills > 0 -> kills--; if :: holder == _pid -> holder = NOBODY :: else fi; i = 0; known = 0; goto start }
  :: true
  fi
}

inline leave() {
  atomic { if :: holder == _pid -> holder = NOBODY :: else fi; i = 0; known = 0; goto end_over }
}

proctype Worker() {
  byte i = 0;
  byte known = 0;
  bit file = 0;

start:
  atomic {
    (!one_lock || holder == NOBODY) -> holder = _pid; file = there;
    if
    :: memory && file == 1 && !accepted && ((another && doubt) || (!another && behind)) -> refused = 1; leave()
    :: else
    fi;
    if
    :: file == 1 && !accepted ->
       accepted = 1;
       if :: another && !doubt -> paid = 0; stranger = 0 :: else fi     /* a new request */
    :: else
    fi;
    if
    :: plan[file] == DONE -> leave()
    :: plan[file] == STOPPED || plan[file] == UNDECIDED -> plan[file] = RUNNING; committed()
    :: plan[file] == RUNNING
    fi
  };
  may_die();

settle:
  /* An INTENT found at start belongs to a process that is gone: it is in doubt. */
  atomic {
    i = 0;
    do
    :: i < TRIES ->
       if :: AT(file, i) == INTENT -> AT(file, i) = UNKNOWN; committed() :: else fi;
       i++
    :: else -> break
    od;
    i = 0
  };
  remember();
  may_die();
  do
  :: i < TRIES && AT(file, i) == UNKNOWN ->
     atomic {
       (!deadline || dead[i]) ->
       if
       :: strangers > 0 -> d_step { strangers--; REACHED(3); plan[file] = UNDECIDED; committed() }; leave()
       :: d_step {
            strangers > 0 -> strangers--;
            if :: AT(file, i) == UNKNOWN -> AT(file, i) = PROVEN_EXECUTED; committed(); stranger = 1 :: else fi
          }
       :: d_step {
            true ->
            if
            :: AT(file, i) == UNKNOWN && executions[i] > 0 -> REACHED(4); AT(file, i) = PROVEN_EXECUTED; committed()
            :: AT(file, i) == UNKNOWN && executions[i] == 0 -> REACHED(5); AT(file, i) = PROVEN_NOT_EXECUTED; committed()
            :: else
            fi
          }
       fi
     };
     remember();
     may_die();
     i++
  :: i < TRIES && AT(file, i) == REFUSED ->
     d_step {
       if
       :: executions[i] > 0 && look_behind -> REACHED(6); AT(file, i) = UNKNOWN; committed()
       :: else -> AT(file, i) = REJECTED; committed(); i++
       fi
     };
     remember();
     may_die()
  :: i < TRIES && AT(file, i) != UNKNOWN && AT(file, i) != REFUSED -> i++
  :: i == TRIES -> break
  od;

next:
  atomic {
    if
    :: number && ANY_OPEN(file) -> leave()                 /* begun by another process meanwhile */
    :: number && !ANY_OPEN(file) && ANY_REFUSED(file) -> goto settle
    :: else
    fi;
    known = begun[file];
    if
    :: ANY_PAID(file) -> REACHED(1); NO_WRONG_DONE; plan[file] = DONE; committed(); remember(); leave()
    :: else
    fi;
    if
    :: known >= tries || slots == TRIES -> REACHED(2); plan[file] = STOPPED; committed(); remember(); leave()
    :: else
    fi;
    if
    :: file_check && there != file -> refused = 1; leave()
    :: else
    fi
  };

  /* Sign, then write INTENT: from here on the timestamp is running. */
#define JOURNAL_ALLOWS ((!one_open || !ANY_OPEN(file)) && (!number || known == begun[file]) && slots < TRIES)
  if
  :: d_step {
       JOURNAL_ALLOWS ->
       i = slots; slots++; begun[file]++; stamped[i] = 1;
       if :: intent_first -> AT(file, i) = INTENT; committed() :: else fi
     }
  :: atomic { !JOURNAL_ALLOWS -> leave() }
  fi;
  may_die();
  if :: memory_first -> remember() :: else fi;

send:
  if
  :: d_step { !file_check || there == file -> in_flight[i]++ }
  :: atomic { file_check && there != file -> refused = 1; leave() }
  :: d_step { true -> if :: AT(file, i) == INTENT -> AT(file, i) = NOT_SENT; committed() :: else fi };  /* not a byte left */
     remember();
     may_die();
     goto next
  fi;
  may_die();
  if
  :: !intent_first -> d_step { AT(file, i) = INTENT; committed() }; may_die()
  :: else
  fi;
  if :: !memory_first -> remember() :: else fi;

  if
  :: d_step { answer[i] == YES -> if :: AT(file, i) == INTENT -> AT(file, i) = EXECUTED; committed() :: else fi }
  :: d_step { answer[i] == NO -> if :: AT(file, i) == INTENT -> AT(file, i) = REFUSED; committed() :: else fi }
  :: atomic {                                              /* refused for its timestamp: sign again */
       answer[i] == NO && resigns > 0 && executions[i] == 0 && !running[i] ->
       if
       :: resign_check && AT(file, i) != INTENT -> leave()
       :: else -> resigns--; answer[i] = SILENCE; expired[i] = 0; dead[i] = 0; goto send
       fi
     }
  :: d_step {                                              /* time-out, reset, nonsense: it may have happened */
       true ->
       if :: AT(file, i) == INTENT -> AT(file, i) = (settled -> UNKNOWN : REJECTED); committed() :: else fi
     }
  fi;
  may_die();
  remember();
  may_die();
  goto settle;

end_over:
  atomic { runs > 0 -> runs--; goto start }
}

inline arrive(k) {
  in_flight[k]--;
  if
  :: recv_window && expired[k] -> if :: answer[k] = NO :: true fi
  :: !(recv_window && expired[k]) && !running[k] -> running[k] = 1
  :: answer[k] = NO                                        /* refused for another reason */
  :: true                                                  /* refused, and the answer is lost */
  fi
}

inline take_effect(k) {
  running[k] = 0;
  NONE_LOST(k);
  paid++;
  NEVER_TWICE;
  executions[k]++;
  NO_WRONG_NOT(k);
  if
  :: answer[k] = YES
  :: lies -> answer[k] = NO
  :: true                                                  /* the answer is lost */
  fi
}

proctype Exchange() {
end:
  do
  :: atomic { in_flight[0] > 0 -> arrive(0) }
  :: atomic { in_flight[1] > 0 -> arrive(1) }
  :: atomic { in_flight[2] > 0 -> arrive(2) }
  :: atomic { running[0] -> take_effect(0) }
  :: atomic { running[1] -> take_effect(1) }
  :: atomic { running[2] -> take_effect(2) }
  od
}

proctype Network() {
end:
  do
  :: atomic { in_flight[0] > 0 -> in_flight[0]-- }
  :: atomic { in_flight[1] > 0 -> in_flight[1]-- }
  :: atomic { in_flight[2] > 0 -> in_flight[2]-- }
  :: atomic { !once && in_flight[0] == 1 && executions[0] == 0 && !running[0] -> in_flight[0]++ }
  od
}

/* The exchange's clock, as far as it concerns a request. */
proctype Clock() {
end:
  do
  :: d_step { stamped[0] && !expired[0] -> expired[0] = 1 }
  :: d_step { stamped[1] && !expired[1] -> expired[1] = 1 }
  :: d_step { stamped[2] && !expired[2] -> expired[2] = 1 }
  :: d_step { expired[0] && !running[0] && !dead[0] -> dead[0] = 1 }
  :: d_step { expired[1] && !running[1] && !dead[1] -> dead[1] = 1 }
  :: d_step { expired[2] && !running[2] && !dead[2] -> dead[2] = 1 }
  od
}

/* A person may speak where no process holds the account, about the journal that the workers use. */
#define MAY_SPEAK (corrections > 0 && (holder == NOBODY || !one_lock) && (there == 0 || accepted))
#define MAY_CORRECT(k) (MAY_SPEAK && slots > k && (dead[k] || !person_waits))

inline correct(k, state) {
  AT(there, k) = state; corrections--; runs++; plan[there] = RUNNING;
  if :: there == 0 && copied -> newer = 1; behind = 1 :: else fi;
  doubt = ANY_OPEN(there)
}

proctype Person() {
end:
  do
  :: d_step {                                              /* make a backup */
       restores > 0 && there == 0 && !copied ->
       copied = 1; AT(1, 0) = AT(0, 0); AT(1, 1) = AT(0, 1); AT(1, 2) = AT(0, 2); begun[1] = begun[0]; plan[1] = plan[0];
       copied_doubt = doubt
     }
  :: d_step {                                              /* restore it */
       restores > 0 && there == 0 && copied ->
       restores--; there = 1;
       if :: !memory_kept -> behind = 0; doubt = copied_doubt :: else fi
     }
  :: d_step { restores > 0 && there == 0 && !copied -> restores--; there = 1; another = 1 }   /* delete it */
  :: d_step {                                              /* adopt */
       corrections > 0 && refused && holder == NOBODY && there == 1 && !accepted && (paid == 0 || !person_right) &&
       (!person_waits || !(ALIVE(0) || ALIVE(1) || ALIVE(2))) ->
       corrections--; accepted = 1; doubt = 0; behind = 0; runs++; plan[1] = RUNNING
     }
  :: d_step { MAY_CORRECT(0) && AT(there, 0) == UNKNOWN && executions[0] == 0 -> correct(0, PROVEN_NOT_EXECUTED) }
  :: d_step { MAY_CORRECT(0) && AT(there, 0) == UNKNOWN && executions[0] > 0 -> correct(0, PROVEN_EXECUTED) }
  :: d_step { MAY_CORRECT(0) && PAID(there, 0) && (executions[0] == 0 || !person_right) -> correct(0, PROVEN_NOT_EXECUTED) }
  :: d_step { MAY_CORRECT(1) && AT(there, 1) == UNKNOWN && executions[1] == 0 -> correct(1, PROVEN_NOT_EXECUTED) }
  :: d_step { MAY_CORRECT(1) && AT(there, 1) == UNKNOWN && executions[1] > 0 -> correct(1, PROVEN_EXECUTED) }
  :: d_step { MAY_CORRECT(1) && PAID(there, 1) && (executions[1] == 0 || !person_right) -> correct(1, PROVEN_NOT_EXECUTED) }
  od
}

init {
  d_step {
    SWITCH(tries, 2) SWITCH(workers, 2) SWITCH(kills, 0) SWITCH(strangers, 1) SWITCH(runs, 0) SWITCH(resigns, 0)
    SWITCH(restores, 0) SWITCH(corrections, 0)
    SWITCH(settled, 1) SWITCH(intent_first, 1) SWITCH(deadline, 1) SWITCH(one_lock, 1) SWITCH(one_open, 1) SWITCH(number, 1)
    SWITCH(look_behind, 1) SWITCH(memory, 1) SWITCH(memory_first, 1) SWITCH(file_check, 1) SWITCH(resign_check, 1)
    SWITCH(person_waits, 1) SWITCH(recv_window, 1) SWITCH(once, 1) SWITCH(memory_kept, 1) SWITCH(person_right, 1) SWITCH(lies, 1)
    SWITCH(watch_twice, 1) SWITCH(watch_lost, 1) SWITCH(watch_ends, 1) SWITCH(reach, 0)
  };
  atomic {
    run Exchange(); run Network(); run Clock();
    if :: restores > 0 || corrections > 0 -> run Person() :: else fi;
    run Worker();
    if :: workers > 1 -> run Worker() :: else fi
  }
}

ltl ends { <> (plan[there] != RUNNING || refused) }
