/* What snapshots of the debt prove about a repayment whose answer was lost or refused, and what is sent after that.

   One worker repays a plan of one or two pieces with at most three attempts. Around it: an exchange that executes
   in whole, in half, late or not at all, and answers what it likes; balances that lag; other users who borrow and
   repay the same debt at any moment; lists and rows that an adversary fills in. The worker is killed at any step
   and starts again from the journal. `never_twice.pml` models what is left out here: two processes, the lock,
   the journal as a file that can be lost, and a person who corrects it.

   Amounts are halves of a piece. Time is counted in ticks: all that changed is shown by every snapshot and listed in
   every list once a tick has passed, and by any or none of them before. So a tick stands for the settle time (15 s),
   for the lag of the lists and for how near a row is. Snapshots after a lost attempt begin at 2 ticks (its deadline), "not
   executed" is concluded from 5 on (180 s): what matters is the order of these times, and it is kept.

   Checked over every interleaving:
     never twice   no attempt is executed twice, and all together repay no more than the plan asks   NEVER_TWICE
     no wrong end  REJECTED (verified)      and PROVEN_NOT_EXECUTED: not executed, and never will be NO_WRONG_NOT
                   PROVEN_EXECUTED: this attempt or another user lowered the debt near it           NO_WRONG_EXECUTED
                   DONE: the debt is lower by the plan's amount, if no other user borrowed           NO_WRONG_DONE
     always ends   every run comes to DONE, STOPPED or UNDECIDED (weak fairness)                     ltl ends
   and that each of these ends is reached at all (REACHED).

   Nothing is assumed of rows about repayments: the adversary may put any of them into any list, or none, so they
   appear here only where a rule believes them (`can_row`, `later_rows`), or where a variant states that each execution
   leaves one.
   Nor is anything assumed of what could pay, except where a borrowing is never listed: there other users may take from
   it, not add to it.

   The world in which all holds, and the values that deny a part of it (`VARIANTS` in tests/repay/evidence/test_models.py
   gives for each what breaks):
     late 1                  one request acts after its deadline, in whole and before 180 s
     late_part 0             ... or in half
     late_borrow 0           ... while another user borrows what it repaid, just before the last snapshot
     stale 1                 or, in place of a late one: one snapshot after the deadline shows no trace of the execution
     stale_base 0            the snapshot before a piece does not show what was confirmed, however long ago
     alternating 0           a snapshot may lack what an earlier snapshot showed
     lies 1                  a refusal is untrue, and the debt shows it at once
     lies_lag 0              ... or within the settle time
     lies_hidden 0           ... while another user borrows as much, not listed yet
     lies_late 0             ... or at any time later
     never_listed 0          a borrowing is never listed
     refilled 0              ... and what could pay is filled up as well
     rows_left 0             every execution leaves a row
     recv_window 1           a request is not accepted after its recvWindow
     once 1                  the network delivers a request once
     by_then 1               what is accepted has acted 180 s after its timestamp

   Defences, each of which can be taken away (0), or added where the code does without (1):
     quiet 1                 nothing has left for a tick when the snapshot before a piece is taken
     quiet_behind 0          nor when the snapshot after a refusal is
     quiet_settled 0         nor since an attempt was proven executed
     base_age 1              the snapshot before a piece is of the same tick as the piece
     retake 1                a snapshot that does not show what was confirmed is taken again, then the plan stops
     look_behind 1           a refusal is verified before anything else is sent
     deadline 1              no snapshot counts before the deadline
     second_look 1           "not executed" needs two snapshots that show the debt where it was
     late_pair 0             ... the second of them not before 180 s
     later_rows 1            ... and where a later snapshot surely shows less than a whole fall, rows may explain it (0: no)
     time 1                  "not executed" is not concluded before 180 s
     list_lag 1              ... nor before the lists show all borrowings of those snapshots
     holdings 1              ... nor while what could pay is poorer in the first snapshot
     holdings_all 0          ... or in any snapshot
     rows_brake 1            ... nor while a repayment row is near
     rows_explain 0          rows never explain a fall away (1: they do)
     fell_later 1            a debt that falls after "not executed" was concluded stops the plan
     final_look 1            DONE is concluded only from a snapshot
   A plan of more than four pieces takes no snapshot between them: shared_base 1.

   Not modelled: interest, fees and the tenth by which a debt may differ and still stand; a repayment of the whole
   debt, and a debt that other users bring to zero; the figures of time but for their order; lists that cannot be read;
   requests of which no byte leaves; stops by a person; more than one attempt in flight; more snapshots than three for
   one attempt (four with looks_allowed=4). Once an attempt was proven executed by what another user repaid, or by a
   row of a part, PROVEN_EXECUTED of later attempts is no longer checked: what acts late may be taken for them.

   All switches are read from the environment, so that one compiled program runs every variant:
     spin -a verdict.pml && gcc -O2 -DSAFETY -DNOCLAIM -o pan pan.c && late_part=1 watch_ends=0 ./pan -m300000
     late_part=1 watch_ends=0 ./pan -r        shows the history that it found */

#define TRIES 3
#define LOOKS 4
#define PIECE 2
#define HALF 1
#define DEBT 10

#define DEADLINE 2
#define NOT_BEFORE 5

c_decl {
\#include <stdlib.h>
static int given(const char *name, int usual) { const char *text = getenv(name); return text ? atoi(text) : usual; }
};
#define SWITCH(name, usual) c_code { now.name = given(#name, usual); };

byte pieces, tries_allowed, looks_allowed, kills, borrows, repays, too_old, retakes;
bit quiet, quiet_behind, quiet_settled, base_age, retake, look_behind, deadline, second_look, late_pair, later_rows;
bit time, list_lag, holdings, holdings_all, rows_brake, rows_explain, fell_later, final_look, shared_base;
bit late, late_part, late_borrow, stale, stale_base, alternating, lies, lies_lag, lies_hidden, lies_late;
bit never_listed, refilled, rows_left, recv_window, once, by_then;
bit watch_twice, watch_ends;
byte reach;

mtype:attempt = { NONE, INTENT, EXECUTED, REJECTED, UNKNOWN, PROVEN_EXECUTED, PROVEN_NOT_EXECUTED };
mtype:plan = { RUNNING, DONE, STOPPED, UNDECIDED };
mtype:request = { AT_HOME, ON_ITS_WAY, ACCEPTED, OVER };
mtype:answer = { SILENCE, YES, NO };

/* The journal: survives every kill. `LAST` is the attempt that was begun last; the others have ended. */
mtype:attempt journal[TRIES] = NONE;
mtype:plan plan = RUNNING;
byte tries = 0;
byte paid = 0;                    /* pieces that count as repaid */
bit looked_behind = 0;            /* whether the refusal of the last attempt was */
byte base;                        /* the debt of the snapshot before the last attempt, and what was in it */
byte base_own, base_repaid, base_borrowed, base_hidden;
byte prior;                       /* confirmed between that snapshot and the attempt */
byte counted;                     /* confirmed since that snapshot: a later one must show it */
byte proof;                       /* the debt that proved the last attempt not executed */
byte start, start_repaid;         /* the same as base, for the first attempt that counts as repaid */

/* Snapshots at the last attempt since its deadline. */
#define STOOD 0                   /* the debt is where it was, every listed borrowing counted in */
#define MAY_STAND 1               /* it may be, without the borrowings that are listed close to the snapshot */
#define ELSEWHERE 2
#define FELL 3                    /* by as much as was asked, or more */
byte shows[LOOKS];
bit after_180[LOOKS], settled[LOOKS], poorer[LOOKS];
byte looks = 0;

/* The exchange, and the last request. */
mtype:request request = OVER;
mtype:answer answer = SILENCE;
#define CLOSED 6
byte age = CLOSED;                /* ticks since its timestamp */
#define LATE 1
#define STALE 2
byte surprise = 0;                /* one of the two in a history */
byte straggler = 0;               /* an attempt that acts after it should be dead, from 1 */
bit copied = 0;
byte executed[TRIES];
byte near_repaid;                 /* what other users had repaid, for all to see, when the attempt was stamped */
bit mistaken = 0;                 /* an attempt was proven executed by more than its own execution */

/* Changes of this tick, which a snapshot and a list may not show yet, and all before them. */
byte own_new, repaid_new, borrowed_new, hidden_new;
byte repaid_old, borrowed_old, hidden_old;
bit left_new = 0;                 /* something left in this tick */
bit fresh = 0;                    /* the snapshot before the next piece is of this tick */

#define LAST (tries - 1)
#define ENDED (tries == 0 || !(journal[LAST] == INTENT || journal[LAST] == UNKNOWN || (journal[LAST] == REJECTED && !looked_behind)))
#define OWN (executed[0] + executed[1] + executed[2])
#define REPAID (repaid_old + repaid_new)
#define BORROWED (borrowed_old + borrowed_new)
#define HIDDEN (hidden_old + hidden_new)       /* borrowed, and never listed */
#define SEEN (DEBT - seen_own - seen_repaid + seen_borrowed + seen_hidden)

#define NEVER_TWICE(k) assert(!watch_twice || (OWN <= pieces * PIECE && executed[k] <= PIECE))
#define NO_WRONG_NOT(k) assert(!watch_ends || (executed[k] == 0 && straggler != (k) + 1))
#define NO_WRONG_EXECUTED(least) assert(!watch_ends || mistaken || executed[LAST] + REPAID - near_repaid >= least)
#define NO_WRONG_DONE assert(!watch_ends || BORROWED + HIDDEN > 0 || OWN + REPAID - start_repaid >= pieces * PIECE)
#define REACHED(what) assert(reach != what)

inline forget_base() {
  base = 0; base_own = 0; base_repaid = 0; base_borrowed = 0; base_hidden = 0; counted = 0
}

inline forget_looks() {
  looks = 0;
  shows[0] = 0; shows[1] = 0; shows[2] = 0; shows[3] = 0;
  after_180[0] = 0; after_180[1] = 0; after_180[2] = 0; after_180[3] = 0;
  settled[0] = 0; settled[1] = 0; settled[2] = 0; settled[3] = 0;
  poorer[0] = 0; poorer[1] = 0; poorer[2] = 0; poorer[3] = 0
}

/* Local variables mean nothing between steps: one value keeps the states few. */
inline blank() {
  seen_own = 0; seen_repaid = 0; seen_borrowed = 0; seen_hidden = 0; unlisted = 0; i = 0;
  fall = 0; most = 0; least = 0; pair = 0; any_fell = 0; can_debt = 0; can_row = 0; can_not = 0
}

/* The last attempt has ended. A confirmed one leaves its snapshot, which the next must go beyond. */
inline close_attempt() {
  if
  :: journal[LAST] != EXECUTED -> forget_base()
  :: journal[LAST] == EXECUTED && !shared_base -> base_own = 0; base_repaid = 0; base_borrowed = 0; base_hidden = 0
  :: else
  fi;
  near_repaid = 0; age = CLOSED; answer = SILENCE; copied = 0; prior = 0;
  forget_looks(); blank()
}

inline count_as_repaid() {
  paid++;
  if
  :: start == 0 -> start = base - prior; start_repaid = near_repaid
  :: else
  fi
}

/* kill -9, at every place where this stands. Snapshots of a reconciliation that had ended are in the journal. */
inline may_die() {
  if
  :: atomic {
       kills > 0 ->
       if
       :: looks > 0 -> d_step { forget_looks() }
       :: true
       fi;
       d_step {
         kills--; fresh = 0;
         if
         :: ENDED && counted == 0 -> forget_base()              /* a snapshot that no attempt carries is lost */
         :: else
         fi;
         blank()
       };
       goto begin
     }
  :: true
  fi
}

/* What a snapshot shows: all that is older than this tick, and any part of what is not. */
inline see() {
  d_step {
    seen_own = OWN;
    seen_repaid = (alternating || repaid_old > base_repaid -> repaid_old : base_repaid);
    seen_borrowed = (alternating || borrowed_old > base_borrowed -> borrowed_old : base_borrowed);
    seen_hidden = (alternating || hidden_old > base_hidden -> hidden_old : base_hidden)
  };
  if
  :: own_new > 0 -> seen_own = OWN - own_new
  :: d_step { own_new > 0 && !alternating -> own_new = 0 }
  :: own_new == 0 || alternating
  fi;
  if
  :: repaid_new > 0 -> seen_repaid = REPAID
  :: REPAID > seen_repaid + 1 -> seen_repaid = seen_repaid + 1
  :: true
  fi;
  if
  :: borrowed_new > 0 -> seen_borrowed = BORROWED
  :: BORROWED > seen_borrowed + 1 -> seen_borrowed = seen_borrowed + 1
  :: true
  fi;
  if
  :: hidden_new > 0 -> seen_hidden = HIDDEN
  :: HIDDEN > seen_hidden + 1 -> seen_hidden = seen_hidden + 1
  :: true
  fi
}

/* What the lists lack at that moment. */
inline list() {
  if
  :: borrowed_new > 0 -> unlisted = borrowed_new
  :: borrowed_new > 1 -> unlisted = 1
  :: true
  fi
}

/* The debt is higher than what was confirmed leaves, and no listed borrowing explains that. */
#define NOT_SHOWN (counted > 0 && SEEN > base - counted && BORROWED - unlisted < SEEN - (base - counted))

/* Two snapshots that show the debt where it was, and none before the second that surely shows it elsewhere: `pair` is 2
   then, and `i` the second. */
inline find_pair() {
  i = 0;
  do
  :: i < looks && shows[i] <= MAY_STAND ->
     if
     :: shows[i] == STOOD && pair == 1 && (!late_pair || after_180[i]) -> pair = 2; break
     :: else ->
        if :: shows[i] == STOOD -> pair = 1 :: else fi
     fi;
     i++
  :: else -> break
  od
}

proctype Worker() {
  byte seen_own = 0, seen_repaid = 0, seen_borrowed = 0, seen_hidden = 0, unlisted = 0, i = 0, pair = 0;
  short fall = 0, most = 0, least = 0;
  bit any_fell = 0, can_debt = 0, can_row = 0, can_not = 0;

begin:
  atomic {
    if
    :: tries > 0 && journal[LAST] == INTENT -> journal[LAST] = UNKNOWN   /* its process is gone */
    :: else
    fi
  };
  may_die();

next:
  if
  :: tries > 0 && journal[LAST] == UNKNOWN -> goto settle
  :: tries > 0 && journal[LAST] == REJECTED && !looked_behind && look_behind -> goto behind
  :: else
  fi;
  if
  :: paid == pieces -> goto finish
  :: paid < pieces && tries == tries_allowed -> plan = STOPPED; goto over
  :: paid < pieces && tries < tries_allowed && shared_base && counted > 0 -> goto send
  :: paid < pieces && tries < tries_allowed && (!quiet || !left_new)
  fi;

  /* The snapshot before a piece. */
  atomic {
    see();
    if
    :: stale_base && surprise == 0 && counted > 0 -> surprise = STALE; seen_own = base_own
    :: true
    fi;
    list();
    if
    :: retake && NOT_SHOWN ->
       if
       :: retakes > 0 -> d_step { blank(); retakes--; left_new = 1 }; goto next
       :: else -> plan = UNDECIDED; goto over
       fi
    :: else
    fi;
    if
    :: fell_later && proof >= SEEN + PIECE -> plan = UNDECIDED; goto over   /* it fell after all */
    :: else
    fi;
    d_step {
      base = SEEN; base_own = seen_own; base_repaid = seen_repaid; base_borrowed = seen_borrowed; base_hidden = seen_hidden;
      counted = 0; proof = 0; fresh = 1;
      blank()
    }
  };
  may_die();

send:
  atomic {
    if
    :: base_age && !shared_base && !fresh ->
       d_step { forget_base() };
       if
       :: too_old > 0 -> too_old--; goto next
       :: else -> plan = STOPPED; goto over
       fi
    :: else
    fi;
    d_step {
      tries++;
      journal[LAST] = INTENT; prior = counted; near_repaid = repaid_old;
      age = 0; request = AT_HOME; looked_behind = 0; fresh = 0
    }
  };
  may_die();
  atomic {
    if
    :: age == 0 || !recv_window -> request = ON_ITS_WAY
    :: else -> request = OVER
    fi
  };
  may_die();
  if
  :: d_step { answer == YES -> journal[LAST] = EXECUTED; left_new = 1; counted = prior + PIECE; count_as_repaid(); close_attempt() }
  :: d_step { answer == NO -> journal[LAST] = REJECTED; left_new = 1; answer = SILENCE }
  :: d_step { journal[LAST] = UNKNOWN; answer = SILENCE }
  fi;
  may_die();
  goto next;

behind:
  atomic {
    (!quiet_behind || !left_new);
    see();
    if :: lies_hidden -> list() :: else fi;
    fall = base - prior - SEEN;
    fall = fall + seen_borrowed - base_borrowed - unlisted;
    if
    :: fall >= HALF -> d_step { REACHED(6); journal[LAST] = UNKNOWN; blank() }
    :: else -> d_step { NO_WRONG_NOT(LAST); looked_behind = 1; close_attempt() }
    fi
  };
  may_die();
  goto next;

settle:
  if
  :: looks == looks_allowed -> plan = UNDECIDED; goto over
  :: looks < looks_allowed && (age >= DEADLINE || !deadline)
  :: !second_look && looks > 0 && shows[0] == STOOD && settled[0] && age >= NOT_BEFORE -> goto not_executed
  fi;
  atomic {
    see();
    if
    :: stale && surprise == 0 && executed[LAST] > 0 -> surprise = STALE; seen_own = base_own
    :: true
    fi;
    list();
    d_step {
      fall = base - prior - SEEN;
      fall = fall + seen_borrowed - base_borrowed;              /* once every borrowing is listed */
      least = fall - (seen_borrowed - (borrowed_old > base_borrowed -> borrowed_old : base_borrowed));
      poorer[looks] = never_listed && !refilled && seen_own > base_own;
      after_180[looks] = (age >= NOT_BEFORE);
      most = fall - (unlisted < seen_borrowed - base_borrowed -> unlisted : seen_borrowed - base_borrowed)
    };
    if
    :: never_listed && fall < 0 && fall + base_borrowed >= 0 -> fall = 0; most = 0     /* one listed near the base counts, too */
    :: rows_explain && most > 0 -> fall = 0; most = 0; least = 0
    :: true
    fi;
#define CLASS(high, low) (high == 0 -> STOOD : (high < 0 -> ELSEWHERE : (low <= 0 -> MAY_STAND : (high >= PIECE -> FELL : ELSEWHERE))))
    d_step {
      shows[looks] = CLASS(most, least);
      looks++;
      find_pair();
      any_fell = (shows[0] == FELL || shows[1] == FELL || shows[2] == FELL || shows[3] == FELL);
      can_debt = pair < 2 && any_fell;
      can_row = pair < 2 && most > 0 && (least > 0 || most >= PIECE);
      can_not = second_look && pair == 2 && (settled[i] || !list_lag) && !any_fell && (!time || age >= NOT_BEFORE)
    };
    d_step {
      can_not = can_not && (later_rows || (shows[1] != ELSEWHERE && shows[2] != ELSEWHERE && shows[3] != ELSEWHERE)) &&
        !(holdings && (poorer[0] || (holdings_all && (poorer[1] || poorer[2] || poorer[3])))) &&
        !(rows_brake && rows_left && executed[LAST] > 0);
      shows[looks - 1] = CLASS(fall, least);
      if :: can_not :: else -> fall = 0 fi;
      most = 0; least = 0; i = 0; pair = 0; any_fell = 0
    };
    if
    :: can_debt -> d_step { NO_WRONG_EXECUTED(PIECE); mistaken = (mistaken || seen_own < base_own + PIECE) }; goto executed_after_all
    :: can_row -> d_step { NO_WRONG_EXECUTED(HALF); mistaken = (mistaken || seen_own < base_own + PIECE) }; goto executed_after_all
    :: can_not -> goto not_executed
    :: d_step { true -> blank() }                               /* rows that are near or pending, lists unread */
    fi
  };
  may_die();
  goto settle;

executed_after_all:
  atomic {
    REACHED(4);
    journal[LAST] = PROVEN_EXECUTED; count_as_repaid(); close_attempt();
    if :: quiet_settled -> left_new = 1 :: else fi
  };
  may_die();
  goto next;

not_executed:
  atomic {
    REACHED(5);
    NO_WRONG_NOT(LAST);
    journal[LAST] = PROVEN_NOT_EXECUTED; proof = SEEN; close_attempt()
  };
  may_die();
  goto next;

finish:
  if
  :: !final_look
  :: atomic {
       final_look ->
       see();
       list();
       if
       :: retake && NOT_SHOWN ->
          if
          :: retakes > 0 -> d_step { blank(); retakes--; left_new = 1 }; goto look_again
          :: else -> plan = UNDECIDED; goto over
          fi
       :: else
       fi;
       if
       :: SEEN + pieces * PIECE <= start + BORROWED - unlisted
       :: else -> plan = STOPPED; goto over                     /* debt-left */
       fi
     }
  fi;
  atomic { NO_WRONG_DONE; plan = DONE };
  goto over;

look_again:
  !left_new;
  goto finish;

over:
  atomic {
    if :: plan == DONE -> REACHED(1) :: plan == STOPPED -> REACHED(2) :: plan == UNDECIDED -> REACHED(3) fi;
    d_step {
      if :: tries > 0 -> close_attempt() :: else -> blank() fi;
      forget_base(); fresh = 0; left_new = 0; proof = 0; start = 0; start_repaid = 0;
      repaid_old = 0; repaid_new = 0; borrowed_old = 0; borrowed_new = 0; hidden_old = 0; hidden_new = 0
    }
  }
}

inline execute(amount) {
  executed[LAST] = executed[LAST] + amount;
  own_new = own_new + amount;
  request = OVER;
  NEVER_TWICE(LAST);
  assert(!watch_ends || (journal[LAST] != PROVEN_NOT_EXECUTED && !(journal[LAST] == REJECTED && looked_behind)))
}

/* An answer, unless nothing waits for it any more. It may be lost, and name any amount. */
inline reply(no) {
  if
  :: journal[LAST] == INTENT && age < DEADLINE -> answer = YES
  :: no && journal[LAST] == INTENT && age < DEADLINE -> answer = NO; if :: !lies_lag -> own_new = 0 :: else fi
  :: true
  fi
}

#define BECOMES_LATE (request == ACCEPTED && age + 1 == DEADLINE)
#define MUST_HAVE_ACTED (request == ACCEPTED && age + 1 == NOT_BEFORE)
#define MAY_BORROW (plan == RUNNING && BORROWED + HIDDEN < borrows && (surprise != LATE || late_borrow || ENDED))

proctype World() {
end:
  do
  :: request == ON_ITS_WAY -> request = ACCEPTED
  :: atomic {                                                   /* refused or lost */
       request == ON_ITS_WAY -> request = OVER;
       if
       :: journal[LAST] == INTENT -> answer = NO
       :: true
       fi
     }
  :: atomic { request == ACCEPTED -> execute(PIECE); reply(lies) }
  :: atomic { request == ACCEPTED && (age < DEADLINE || late_part) -> execute(HALF); reply(lies) }
  :: atomic { request == ACCEPTED -> request = OVER; reply(true) }   /* not executed, with any answer */
  :: d_step { request == ACCEPTED && journal[LAST] == INTENT && lies_late -> request = OVER; straggler = tries; answer = NO }
  :: d_step { request == OVER && !once && !copied && tries > 0 && executed[LAST] > 0 -> copied = 1; straggler = tries }
  :: d_step {
       straggler > 0 ->
       executed[straggler - 1] = executed[straggler - 1] + PIECE;
       own_new = own_new + PIECE;
       NEVER_TWICE(straggler - 1);
       assert(!watch_ends || journal[straggler - 1] != PROVEN_NOT_EXECUTED);
       straggler = 0
     }
  :: plan == RUNNING && REPAID < repays -> repaid_new++
  :: MAY_BORROW -> borrowed_new++
  :: MAY_BORROW && never_listed -> hidden_new++
  :: d_step {                                                   /* a tick */
       !(BECOMES_LATE && (!late || surprise != 0)) && !(MUST_HAVE_ACTED && by_then) ->
       if
       :: BECOMES_LATE -> surprise = LATE
       :: MUST_HAVE_ACTED -> request = OVER; straggler = tries
       :: request == ON_ITS_WAY && age == 0 ->
          request = OVER;
          if :: !recv_window -> straggler = tries :: else fi
       :: else
       fi;
       if :: age < CLOSED -> age++ :: else fi;
       if :: looks > 0 -> settled[0] = 1 :: else fi;
       if :: looks > 1 -> settled[1] = 1 :: else fi;
       if :: looks > 2 -> settled[2] = 1 :: else fi;
       if :: looks > 3 -> settled[3] = 1 :: else fi;
       own_new = 0; left_new = 0; fresh = 0;
       repaid_old = REPAID; repaid_new = 0;
       borrowed_old = BORROWED; borrowed_new = 0;
       hidden_old = HIDDEN; hidden_new = 0
     }
  od
}

init {
  d_step {
    SWITCH(pieces, 1) SWITCH(tries_allowed, 2) SWITCH(looks_allowed, 3) SWITCH(kills, 0) SWITCH(borrows, 0) SWITCH(repays, 0)
    SWITCH(too_old, 1) SWITCH(retakes, 1)
    SWITCH(quiet, 1) SWITCH(quiet_behind, 0) SWITCH(quiet_settled, 0) SWITCH(base_age, 1) SWITCH(retake, 1)
    SWITCH(look_behind, 1) SWITCH(deadline, 1) SWITCH(second_look, 1) SWITCH(late_pair, 0) SWITCH(later_rows, 1)
    SWITCH(time, 1) SWITCH(list_lag, 1) SWITCH(holdings, 1) SWITCH(holdings_all, 0) SWITCH(rows_brake, 1)
    SWITCH(rows_explain, 0) SWITCH(fell_later, 1) SWITCH(final_look, 1) SWITCH(shared_base, 0)
    SWITCH(late, 1) SWITCH(late_part, 0) SWITCH(late_borrow, 0) SWITCH(stale, 1) SWITCH(stale_base, 0) SWITCH(alternating, 0)
    SWITCH(lies, 1) SWITCH(lies_lag, 0) SWITCH(lies_hidden, 0) SWITCH(lies_late, 0)
    SWITCH(never_listed, 0) SWITCH(refilled, 0) SWITCH(rows_left, 0) SWITCH(recv_window, 1) SWITCH(once, 1) SWITCH(by_then, 1)
    SWITCH(watch_twice, 1) SWITCH(watch_ends, 1) SWITCH(reach, 0)
  };
  atomic { run World(); run Worker() }
}

ltl ends { <> (plan != RUNNING) }
