package batch

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/personalize/ledger"
	"github.com/simbind/simbind/uicc"
)

// class is what an error means for the card, and for the batch.
type class int

const (
	reseat     class = iota + 1 // a contact: taken out and put in again it may work
	busy                        // another program or run has reader or card: waited for
	foreign                     // not of this job
	elsewhere                   // another station has it
	before                      // done before
	doubt                       // it broke off while the card was written: the claim stays open
	lost                        // the claim is another run's now
	quarantine                  // a person decides
	wrongKey                    // quarantine, and the second one stops the batch
	refuse                      // it cannot be done with what is at hand; nothing was written
	stop                        // it will go no better with the next card
)

// ForeignError is a card the job does not name. No key was used.
type ForeignError struct{ ICCID string }

func (e *ForeignError) Error() string { return "card " + e.ICCID + " is not in the job" }

// TwinError is a card that was never written, and has the ICCID of one that was.
type TwinError struct{ Done ledger.CardState }

func (e *TwinError) Error() string {
	return fmt.Sprintf("this card was never written, and a card with the same ICCID was done at %s on station %s", e.Done.Concluded.Format(time.RFC3339), e.Done.By.Station)
}

// rule is one row of the table from errors to what is done about them.
type rule struct {
	match func(error) bool
	class class
	code  string
}

func is(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }

func as[T error](err error) bool {
	var t T
	return errors.As(err, &t)
}

// rules are tried in order: what is known of the card comes before what broke.
//
// A refused authentication is never a matter of contacts, whatever its status word: a second one would be automatic.
var rules = []rule{
	{as[*ForeignError], foreign, "not_ordered"},
	{is(ledger.ErrNotOrdered), foreign, "not_ordered"},
	{as[*TwinError], quarantine, "same_iccid"},
	{isUnderway, elsewhere, "claim_held"},
	{as[*ledger.HeldError], elsewhere, "claim_held"},
	{as[*ledger.TakenError], before, "done_before"},
	{is(ledger.ErrLost), lost, "claim_lost"},
	{as[*ledger.StoreError], stop, "ledger_unreachable"},
	{as[*ledger.ApprovalError], stop, "approval_missing"},
	{as[*ledger.InputError], stop, "ledger_input"},
	{as[*ledger.ChainError], stop, "chain_broken"},
	{is(ledger.ErrSealed), stop, "job_sealed"},
	{is(ledger.ErrNoJob), stop, "unknown_job"},
	{as[*personalize.LockedError], busy, "card_locked"},
	{isWrongKey, wrongKey, "key_refused"}, // also of a card that was written: put in again, it would be asked once more
	{as[*personalize.InDoubtError], doubt, "in_doubt"},
	{as[*personalize.QuarantineError], quarantine, "quarantine"},
	{as[*personalize.VerifyError], quarantine, "read_back_differs"},
	{as[*personalize.AttemptsError], quarantine, "attempts_used_up"},
	{as[*keys.Error], stop, "key_file_invalid"},
	{as[*keys.TokenError], stop, "token_refused"},
	{is(personalize.ErrNoKeys), refuse, "keys_missing"},
	{as[personalize.PINNeededError], refuse, "pin_needed"},
	{as[*uicc.PINError], quarantine, "code_refused"},
	{is(apdu.SWBusy), busy, "card_busy"},
	{is(apdu.SWNoDiagnosis), reseat, "no_diagnosis"},
	{is(apdu.SWMemory), quarantine, "memory"},
	{is(apdu.SWMemoryGSM), quarantine, "memory"},
	{as[*gp.SessionError], quarantine, "no_session"},
	{as[*personalize.MismatchError], quarantine, "wrong_card"},
	{as[*personalize.ConfiguredError], quarantine, "already_personalized"},
	{as[*personalize.UnfitError], quarantine, "unfit"},
	{is(personalize.ErrNoApplet), quarantine, "no_applet"},
	{as[*binding.AppletError], quarantine, "card_refused"},
	{isBusyReader, busy, "reader_in_use"},
	{as[*ReaderError], reseat, "reader"},
	{as[*apdu.LinkError], reseat, "link"},
	{as[*os.PathError], stop, "file"},
}

// isUnderway is a card another station has in hand; one that is done is told apart.
func isUnderway(err error) bool {
	var e *ledger.TakenError
	return errors.As(err, &e) && e.Holding.Outcome == ledger.Underway
}

// isWrongKey is a card that these keys do not fit: its cryptogram, the authentication, or the key version.
func isWrongKey(err error) bool {
	var e *gp.SessionError
	if !errors.As(err, &e) {
		return false
	}
	return e.Failure == gp.FailureCryptogram || e.Failure == gp.FailureAuthenticate || e.Failure == gp.FailureNoKeySet
}

func isBusyReader(err error) bool {
	var e *ReaderError
	return errors.As(err, &e) && e.Busy
}

// classify finds the row of an error. What no row knows is put aside: it is not tried again by itself.
func classify(err error) (class, string) {
	for _, r := range rules {
		if r.match(err) {
			return r.class, r.code
		}
	}
	return quarantine, "other"
}
