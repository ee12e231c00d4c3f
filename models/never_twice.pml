/* One piece of a plan, from intent to proof, with everything that can go wrong around it.

   Two workers (two processes that repay for one account), an exchange, a network and a clock. Workers are
   killed at any step and start again from the journal; requests are lost, late or refused; answers are lost;
   an accepted request takes effect when it pleases; a look may be disturbed by strangers and decide nothing.

   Checked over every interleaving:
     never twice   the exchange executes at most one of the requests            (assertion PAID_ONCE)
     none lost     whatever it executes is in the journal before it is sent     (assertion WRITTEN_FIRST)
     no wrong end  a plan is DONE only if it was paid                           (assertion DONE_IS_PAID)
     always ends   every run comes to DONE, STOPPED or UNDECIDED                (ltl ends, weak fairness)

   Each defence can be taken away with -D, to see what it is for (tests/repay/test_model.py runs them all):
     RETRY_UNKNOWN        send again after a lost answer, without settling it          -> twice
     INTENT_AFTER_SENDING write the intent when the request has left                   -> lost, twice
     NO_DEADLINE          look at once, while the request can still act                -> twice
     NO_LOCK + NO_NUMBER  two at once; one begins what the other has just finished     -> twice
     NO_LOCK              the journal's own rules alone: index and number              -> holds
     NO_INDEX + NO_NUMBER the lock alone                                               -> holds
   And each thing that is assumed of the world can be denied:
     LYING_REFUSAL        the exchange says "not executed" and executes                -> twice
     LATE_ACCEPTANCE      it accepts a request whose recvWindow has passed             -> twice
     DUPLICATE_DELIVERY   the network delivers one request twice                       -> twice

   The numbers are small: 3 tries, 2 workers, 3 kills (-DKILLS=n). Every defence and assumption above
   already matters at these sizes. */

#define TRIES 3
#ifndef KILLS
#define KILLS 3
#endif
#define DISTURBANCES 1
#define NOBODY 9

mtype:attempt = { NONE, INTENT, EXECUTED, REJECTED, NOT_SENT, UNKNOWN, PROVEN_EXECUTED, PROVEN_NOT_EXECUTED };
mtype:plan = { RUNNING, DONE, STOPPED, UNDECIDED };
mtype:answer = { SILENCE, YES, NO };

/* The journal: survives every kill. */
mtype:attempt journal[TRIES] = NONE;
mtype:plan plan = RUNNING;
byte tries = 0;

/* The kernel's lock: released when its holder is killed. */
byte holder = NOBODY;

/* The wire and the exchange. */
byte in_flight[TRIES];
bit running[TRIES];          /* accepted, not yet in effect */
mtype:answer answer[TRIES] = SILENCE;
byte paid = 0;
byte executions[TRIES];

/* The exchange's clock, as far as it concerns a request. */
bit stamped[TRIES];
bit expired[TRIES];          /* older than its recvWindow: can no longer be accepted */
bit dead[TRIES];             /* and nothing that was accepted is still running */

byte kills = KILLS;
byte disturbances = DISTURBANCES;

#define OPEN(i) (journal[i] == INTENT || journal[i] == UNKNOWN)
#define PAID(i) (journal[i] == EXECUTED || journal[i] == PROVEN_EXECUTED)
#define NONE_OPEN (!OPEN(0) && !OPEN(1) && !OPEN(2))
#define ANY_PAID (PAID(0) || PAID(1) || PAID(2))

#ifdef NO_LOCK
#define MAY_ENTER (true)
#else
#define MAY_ENTER (holder == NOBODY)
#endif

/* The unique index: at most one attempt may be open. */
#ifdef NO_INDEX
#define INDEX_ALLOWS (true)
#else
#define INDEX_ALLOWS (NONE_OPEN)
#endif

/* The attempt's number: whoever missed an attempt believes in the wrong one. */
#ifdef NO_NUMBER
#define NUMBER_ALLOWS (true)
#else
#define NUMBER_ALLOWS (known == tries)
#endif

/* kill -9, at every place where this stands */
inline may_die() {
  if
  :: kills > 0 -> atomic { kills--; if :: holder == _pid -> holder = NOBODY :: else fi; goto killed }
  :: true
  fi
}

inline leave() {
  atomic { if :: holder == _pid -> holder = NOBODY :: else fi; goto over }
}

active [2] proctype Worker() {
  byte i;
  byte known;

start:
  i = 0;
  atomic { MAY_ENTER -> holder = _pid }
  may_die();

settle:
  if :: plan != RUNNING -> leave() :: else fi;
  /* An INTENT found at start belongs to a process that is gone: it is in doubt. */
  atomic {
    i = 0;
    do
    :: i < TRIES ->
       if :: journal[i] == INTENT -> journal[i] = UNKNOWN :: else fi;
       i++
    :: else -> break
    od;
    i = 0
  };
  may_die();
  do
  :: i < TRIES && journal[i] == UNKNOWN ->
#ifndef NO_DEADLINE
     dead[i] -> skip;                     /* wait until the exchange's own clock says so */
#endif
     may_die();
     if
     :: disturbances > 0 ->               /* strangers moved the same balances: fits both stories or neither */
        disturbances--;
        plan = UNDECIDED;
        leave()
     :: true ->
        atomic {
          if
          :: journal[i] == UNKNOWN && executions[i] > 0 -> journal[i] = PROVEN_EXECUTED
          :: journal[i] == UNKNOWN && executions[i] == 0 -> journal[i] = PROVEN_NOT_EXECUTED
          :: else
          fi
        }
     fi;
     may_die();
     i++
  :: i < TRIES && journal[i] != UNKNOWN -> i++
  :: i == TRIES -> break
  od;

next:
  atomic {
#ifndef NO_NUMBER
    if :: !NONE_OPEN -> leave() :: else fi;   /* begun by another process meanwhile */
#endif
    known = tries;
    if
    :: ANY_PAID -> assert(paid > 0) /* DONE_IS_PAID */; plan = DONE; leave()
    :: else
    fi
  };
  if
  :: known == TRIES -> plan = STOPPED; leave()
  :: else
  fi;

  /* Sign, then write INTENT: from here on the timestamp is running. */
#ifdef INTENT_AFTER_SENDING
  atomic { i = tries; tries++; stamped[i] = 1 };
  may_die();
  in_flight[i]++;
  may_die();
  journal[i] = INTENT;
#else
  if
  :: atomic {
       INDEX_ALLOWS && NUMBER_ALLOWS && tries < TRIES ->
       i = tries; tries++; stamped[i] = 1; journal[i] = INTENT
     }
  :: atomic { !(INDEX_ALLOWS && NUMBER_ALLOWS && tries < TRIES) -> leave() }  /* the journal refuses: give up */
  fi;
  may_die();
  if
  :: in_flight[i]++
  :: true ->                              /* no connection: not a byte left */
     atomic { if :: journal[i] == INTENT -> journal[i] = NOT_SENT :: else fi };
     may_die();
     goto next
  fi;
#endif
  may_die();

  if
  :: answer[i] == YES -> atomic { if :: journal[i] == INTENT -> journal[i] = EXECUTED :: else fi }
  :: answer[i] == NO -> atomic { if :: journal[i] == INTENT -> journal[i] = REJECTED :: else fi }
  :: true ->                              /* time-out, reset, nonsense: it may have happened */
#ifdef RETRY_UNKNOWN
     atomic { if :: journal[i] == INTENT -> journal[i] = REJECTED :: else fi };
#else
     atomic { if :: journal[i] == INTENT -> journal[i] = UNKNOWN :: else fi };
     may_die();
     goto settle;
#endif
  fi;
  may_die();
  goto next;

killed:
  goto start;

over:
  skip
}

inline arrive(k) {
  in_flight[k]--;
  if
#ifndef LATE_ACCEPTANCE
  :: expired[k] -> if :: answer[k] = NO :: true fi
  :: !expired[k] && !running[k] -> running[k] = 1
#else
  :: !running[k] -> running[k] = 1
#endif
  :: answer[k] = NO                     /* refused for another reason */
  :: true                               /* refused, and the answer is lost */
  fi
}

inline take_effect(k) {
  running[k] = 0;
  assert(journal[k] != NONE);           /* WRITTEN_FIRST */
  assert(paid == 0);                    /* PAID_ONCE */
  paid++;
  executions[k]++;
  if
  :: answer[k] = YES
#ifdef LYING_REFUSAL
  :: answer[k] = NO
#endif
  :: true                               /* the answer is lost */
  fi
}

active proctype Exchange() {
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

active proctype Network() {
end:
  do
  :: atomic { in_flight[0] > 0 -> in_flight[0]-- }
  :: atomic { in_flight[1] > 0 -> in_flight[1]-- }
  :: atomic { in_flight[2] > 0 -> in_flight[2]-- }
#ifdef DUPLICATE_DELIVERY
  :: atomic { in_flight[0] == 1 && executions[0] == 0 && !running[0] -> in_flight[0]++ }
#endif
  od
}

active proctype Clock() {
end:
  do
  :: atomic { stamped[0] && !expired[0] -> expired[0] = 1 }
  :: atomic { stamped[1] && !expired[1] -> expired[1] = 1 }
  :: atomic { stamped[2] && !expired[2] -> expired[2] = 1 }
  :: atomic { expired[0] && !running[0] && !dead[0] -> dead[0] = 1 }
  :: atomic { expired[1] && !running[1] && !dead[1] -> dead[1] = 1 }
  :: atomic { expired[2] && !running[2] && !dead[2] -> dead[2] = 1 }
  od
}

ltl ends { <> (plan != RUNNING) }
