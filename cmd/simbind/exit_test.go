package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/pcsc"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/job"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/personalize/ledger"
	"github.com/simbind/simbind/uicc"
)

// stateError is an answer of a database.
type stateError string

func (e stateError) Error() string    { return "SQLSTATE " + string(e) }
func (e stateError) SQLState() string { return string(e) }

// TestExitCodes is the table of docs/command-line.md: what happened, whatever wraps it, gives this code.
func TestExitCodes(t *testing.T) {
	link := func(err error) error {
		return &apdu.LinkError{Name: "SELECT", Err: &pcsc.Error{Op: "transmit", Reader: "R", Err: err}}
	}
	rows := []struct {
		err  error
		exit int
		code string
	}{
		{usagef("x"), 2, "usage"},
		{&job.Faults{List: []job.Fault{{File: "j", Line: 1, Column: 1, Reason: "x"}}, Total: 1}, 2, "job_invalid"},
		{&binding.InputError{Field: "IMEI"}, 2, "input_invalid"},
		{&keys.Error{File: "k"}, 2, "key_file_invalid"},
		{&keys.Errors{List: []*keys.Error{{File: "k"}}, Total: 1}, 2, "key_file_invalid"},
		{&keys.TokenError{Label: "t", Step: "C_Login", Reason: "x"}, 4, "token_refused"},
		{gp.ErrHeld, 7, "keys_held"},
		{keys.ErrNotBuilt, 2, "no_pkcs11_in_build"},
		{link(pcsc.ErrRemoved), 3, "card_removed"},
		{link(pcsc.ErrReset), 3, "card_reset"},
		{link(pcsc.ErrMute), 3, "card_mute"},
		{&personalize.InDoubtError{Step: personalize.StepConfigure, Err: link(pcsc.ErrRemoved)}, 8, "in_doubt"},
		{&personalize.InDoubtError{Step: personalize.StepReadBack, Err: &gp.SessionError{Failure: gp.FailureCryptogram}}, 8, "in_doubt"},
		{&personalize.QuarantineError{}, 8, "quarantine"},
		{&personalize.VerifyError{}, 8, "read_back_differs"},
		{&pcsc.Error{Op: "PC/SC", Err: pcsc.ErrNoService}, 3, "no_service"},
		{pcsc.ErrNoReader, 3, "no_reader"},
		{pcsc.ErrNoCard, 3, "no_card"},
		{&pcsc.Error{Op: "connect", Err: pcsc.ErrInUse}, 9, "reader_in_use"},
		{&personalize.LockedError{}, 9, "card_locked"},
		{&gp.SessionError{Failure: gp.FailureCryptogram}, 4, "key_refused"},
		{&gp.SessionError{Failure: gp.FailureAuthenticate, SW: 0x6300}, 4, "key_refused"},
		{&gp.SessionError{Failure: gp.FailureBlocked, SW: 0x6983}, 5, "key_set_blocked"},
		{&gp.SessionError{Failure: gp.FailureAuthenticate, SW: 0x63C2}, 4, "key_refused"},
		{&gp.SessionError{Failure: gp.FailureAuthenticate, SW: 0x63C0}, 5, "key_set_blocked"},
		{&gp.SessionError{Failure: gp.FailureAuthenticate, SW: 0x6983}, 5, "key_set_blocked"},
		{&gp.SessionError{Failure: gp.FailureLevel, Err: errors.New("level 33")}, 7, "level_not_offered"},
		{fmt.Errorf("%w: 3DES key of 32 bytes", gp.ErrKey), 4, "key_unfit"},
		{&personalize.AttemptsError{}, 5, "attempts_used_up"},
		{&uicc.PINError{Command: "VERIFY", TriesLeft: 2, SW: 0x63C2}, 4, "code_refused"},
		{&uicc.PINError{Command: "VERIFY", TriesLeft: 0, Blocked: true, SW: 0x6983}, 5, "code_blocked"},
		{&uicc.PINError{Command: "VERIFY", TriesLeft: 1, Refused: true, SW: 0x63C1}, 5, "floor"},
		{personalize.PINNeededError{}, 4, "pin_needed"},
		{personalize.ErrNoKeys, 4, "keys_missing"},
		{&personalize.MismatchError{What: "ICCID"}, 6, "wrong_card"},
		{&personalize.ConfiguredError{}, 7, "already_personalized"},
		{&personalize.UnfitError{}, 7, "unfit"},
		{fmt.Errorf("%w: INSTALL has 267 bytes of data", gp.ErrContent), 7, "unfit"},
		{personalize.ErrNoApplet, 7, "no_applet"},
		{&binding.OtherApplicationError{}, 1, "answer_malformed"},
		{&binding.AppletError{Command: binding.CommandStoreData, SW: apdu.SWConditions}, 7, "not_now"},
		{&binding.AppletError{Command: binding.CommandStoreData, SW: apdu.SWMemory}, 1, "other"},
		{personalize.ErrBackup, 7, "backup_unusable"},
		{&ledger.InputError{Field: "x"}, 2, "ledger_input"},
		{&ledger.ChainError{Problems: make([]ledger.Problem, 1)}, 8, "chain_broken"},
		{&ledger.ImbalanceError{}, 7, "imbalance"},
		{&ledger.ApprovalError{}, 7, "approval_missing"},
		{&ledger.TakenError{}, 7, "card_taken"},
		{&ledger.JobDiffersError{}, 7, "job_differs"},
		{&ledger.HeldError{}, 9, "claim_held"},
		{ledger.ErrLost, 9, "claim_lost"},
		{ledger.ErrConcluded, 7, "claim_concluded"},
		{ledger.ErrSealed, 7, "job_sealed"},
		{ledger.ErrNotOrdered, 6, "not_ordered"},
		{ledger.ErrNoJob, 2, "unknown_job"},
		{ledger.ErrNoClaim, 2, "unknown_claim"},
		{&ledger.StoreError{Err: errors.New("x")}, 1, "ledger_unreachable"},
		{&ledger.StoreError{Err: stateError("42501")}, 1, "ledger_denied"},
		{&ledger.StoreError{Err: stateError("28P01")}, 1, "ledger_denied"},
		{&ledger.StoreError{Err: stateError("57P01")}, 1, "ledger_unreachable"},
		{context.Canceled, 130, "interrupted"},
		{&codeError{code: exitRefused, err: errors.New("not confirmed")}, 7, "refused"},
		{&codeError{code: exitNoCard, err: errors.New("no such file")}, 3, "no_card"},
		{&codeError{code: exitAuth, err: personalize.ErrNoKeys}, 4, "keys_missing"},
		{errors.New("anything else"), 1, "other"},
	}
	for _, row := range rows {
		for _, err := range []error{row.err, fmt.Errorf("wrapped: %w", row.err), errors.Join(row.err, errors.New("and more"))} {
			if f := classify(err); f.Exit != row.exit || f.Code != row.code {
				t.Errorf("%T %v: exit %d %s, want %d %s", row.err, err, f.Exit, f.Code, row.exit, row.code)
			}
		}
	}
	f := classify(&uicc.PINError{Command: "VERIFY", TriesLeft: 2, SW: 0x63C2})
	if f.TriesLeft == nil || *f.TriesLeft != 2 || f.SW != "63C2" {
		t.Errorf("facts for scripts: %+v", f)
	}
	for sw, want := range map[apdu.SW]int{0x63C2: 2, 0x63C0: 0, 0x6983: 0} {
		f := classify(&gp.SessionError{Failure: gp.FailureAuthenticate, SW: sw})
		if f.TriesLeft == nil || *f.TriesLeft != want {
			t.Errorf("%s: %+v", sw, f)
		}
	}
	if f := classify(&gp.SessionError{Failure: gp.FailureAuthenticate, SW: 0x6300}); f.TriesLeft != nil {
		t.Errorf("tries that nobody told: %d", *f.TriesLeft)
	}
}
