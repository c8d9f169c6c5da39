package batch

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/personalize/ledger"
	"github.com/simbind/simbind/uicc"
)

var (
	link    = &apdu.LinkError{Name: "READ BINARY EF_IMSI", Err: errors.New("removed")}
	refused = func(sw apdu.SW) error { return &apdu.Error{Name: "READ BINARY EF_IMSI", SW: sw} }
)

// examples are errors as they come, wrapped as they come; code names the row they must find.
var examples = []struct {
	err   error
	class class
	code  string
}{
	{&ForeignError{}, foreign, "not_ordered"},
	{ledger.ErrNotOrdered, foreign, "not_ordered"},
	{&TwinError{}, quarantine, "same_iccid"},
	{&ledger.TakenError{}, elsewhere, "claim_held"},
	{&ledger.HeldError{}, elsewhere, "claim_held"},
	{&ledger.TakenError{Holding: ledger.CardState{Outcome: ledger.Rejected}}, before, "done_before"},
	{fmt.Errorf("record: %w", ledger.ErrLost), lost, "claim_lost"},
	{&ledger.StoreError{Err: errors.New("gone")}, stop, "ledger_unreachable"},
	{&ledger.ApprovalError{Action: ledger.Start}, stop, "approval_missing"},
	{&ledger.InputError{}, stop, "ledger_input"},
	{&ledger.ChainError{}, stop, "chain_broken"},
	{ledger.ErrSealed, stop, "job_sealed"},
	{ledger.ErrNoJob, stop, "unknown_job"},
	{&personalize.LockedError{}, busy, "card_locked"},
	{&personalize.InDoubtError{Err: link}, doubt, "in_doubt"},
	{&personalize.InDoubtError{Err: &ReaderError{Busy: true, Err: errors.New("held")}}, doubt, "in_doubt"},
	{&personalize.InDoubtError{Err: &gp.SessionError{Failure: gp.FailureAuthenticate}}, wrongKey, "key_refused"},
	{&personalize.InDoubtError{Err: &gp.SessionError{Failure: gp.FailureNoChannel, SW: apdu.SWBusy}}, doubt, "in_doubt"},
	{&personalize.QuarantineError{}, quarantine, "quarantine"},
	{errors.Join(&personalize.VerifyError{}, nil), quarantine, "read_back_differs"},
	{&personalize.AttemptsError{}, quarantine, "attempts_used_up"},
	{&gp.SessionError{Failure: gp.FailureCryptogram}, wrongKey, "key_refused"},
	{&gp.SessionError{Failure: gp.FailureNoKeySet, SW: apdu.SWReferenceNotFound}, wrongKey, "key_refused"},
	{&gp.SessionError{Failure: gp.FailureAuthenticate, SW: apdu.SWNoDiagnosis}, wrongKey, "key_refused"},
	{&gp.SessionError{Failure: gp.FailureBlocked, SW: apdu.SWBlocked}, quarantine, "no_session"},
	{&gp.SessionError{Failure: gp.FailureNoChannel, SW: apdu.SWBusy}, busy, "card_busy"},
	{&keys.Error{}, stop, "key_file_invalid"},
	{&keys.TokenError{Err: errors.New("gone")}, stop, "token_refused"},
	{fmt.Errorf("%w: %w", personalize.ErrNoKeys, keys.ErrNoCard), refuse, "keys_missing"},
	{personalize.PINNeededError{}, refuse, "pin_needed"},
	{&uicc.PINError{SW: apdu.SWBlocked}, quarantine, "code_refused"},
	{refused(apdu.SWBusy), busy, "card_busy"},
	{refused(apdu.SWNoDiagnosis), reseat, "no_diagnosis"},
	{refused(apdu.SWMemory), quarantine, "memory"},
	{&binding.AppletError{SW: apdu.SWMemory}, quarantine, "memory"},
	{refused(apdu.SWMemoryGSM), quarantine, "memory"},
	{&personalize.MismatchError{}, quarantine, "wrong_card"},
	{&personalize.ConfiguredError{}, quarantine, "already_personalized"},
	{&personalize.UnfitError{}, quarantine, "unfit"},
	{fmt.Errorf("%w: %w", personalize.ErrNoApplet, refused(apdu.SWFileNotFound)), quarantine, "no_applet"},
	{&binding.AppletError{SW: apdu.SWConditions}, quarantine, "card_refused"},
	{&ReaderError{Busy: true, Err: errors.New("held")}, busy, "reader_in_use"},
	{&ReaderError{Err: errors.New("no answer to reset")}, reseat, "reader"},
	{link, reseat, "link"},
	{fmt.Errorf("backup: %w", &fs.PathError{Op: "write", Err: errors.New("disk full")}), stop, "file"},
	{refused(apdu.SWBlocked), quarantine, "other"},
	{errors.New("something new"), quarantine, "other"},
}

func TestClassify(t *testing.T) {
	seen := map[string]bool{"other": true}
	for _, row := range examples {
		class, code := classify(row.err)
		if class != row.class || code != row.code {
			t.Errorf("%T %v: class %d, %s; want %d, %s", row.err, row.err, class, code, row.class, row.code)
		}
		seen[code] = true
	}
	for _, r := range rules {
		if !seen[r.code] {
			t.Errorf("no example for %s", r.code)
		}
	}
}

// TestOnlyContactsAreTriedAgain: what a card or its keys refused is never retried.
func TestOnlyContactsAreTriedAgain(t *testing.T) {
	for _, row := range examples {
		b := &Bench{Limits: Limits{}.filled(), reseats: map[string]int{}}
		task := &task{b: b, class: row.class, claim: &ledger.Claim{}}
		task.byClass(row.err)
		again := task.verdict == Reseat || task.verdict == Doubt
		if may := row.class == reseat || row.class == doubt || row.class == busy; again != may {
			t.Errorf("%s: verdict %s", row.code, task.verdict)
		}
	}
}

// TestReasonsAreOneLine: a card has one line in the view, however much went wrong with it.
func TestReasonsAreOneLine(t *testing.T) {
	task := &task{b: &Bench{Limits: Limits{}.filled(), reseats: map[string]int{}}, claim: &ledger.Claim{}}
	task.decide(t.Context(), errors.Join(errors.New("no session"), errors.New("no backup")))
	if task.reason != "no session; no backup" {
		t.Errorf("told: %q", task.reason)
	}
}
