package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/pcsc"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/content"
	"github.com/simbind/simbind/personalize/job"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/personalize/ledger"
	"github.com/simbind/simbind/uicc"
)

// Exit codes (docs/command-line.md).
const (
	exitDone        = 0
	exitOther       = 1
	exitUsage       = 2
	exitNoCard      = 3
	exitAuth        = 4
	exitBlocked     = 5
	exitWrongCard   = 6
	exitRefused     = 7
	exitDoubt       = 8
	exitBusy        = 9
	exitBatch       = 10
	exitDiffers     = 20
	exitInterrupted = 130
)

// usageError is a mistake in the words of a call.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{err: fmt.Errorf(format, args...)} }

// fileError makes a file that cannot be opened or read a mistake in the words of a call: what says where it was named.
func fileError(what string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return usagef("%s: %w", what, p.Err)
	}
	return err
}

// codeError ends the program with a code; without err everything was said already.
type codeError struct {
	code int
	err  error
	hint string
}

func (e *codeError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}
func (e *codeError) Unwrap() error { return e.err }

// failure is an error as scripts see it.
type failure struct {
	head
	Code      string `json:"code"` // stable, snake_case
	Exit      int    `json:"exit"`
	Message   string `json:"message"`
	Hint      string `json:"hint,omitempty"`
	Retryable bool   `json:"retryable"`
	TriesLeft *int   `json:"tries_left,omitempty"`
	SW        string `json:"sw,omitempty"`
}

// explain prints one error, the hint on the next line, and gives its exit code.
func (a *app) explain(verb *cobra.Command, err error) int {
	f := classify(err)
	f.head = schema("error")
	f.Message = err.Error()
	if errors.Is(err, context.Canceled) {
		f.Message = "interrupted"
	}
	if f.Hint == "" && f.Exit == exitUsage && verb != nil {
		f.Hint = fmt.Sprintf("see '%s --help'", verb.CommandPath())
	}
	fmt.Fprintf(a.err, "simbind: %s\n", f.Message)
	if f.Hint != "" {
		fmt.Fprintf(a.err, "  %s\n", f.Hint)
	}
	if a.global.json {
		enc := json.NewEncoder(a.out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		_ = enc.Encode(f) // the exit code says it too
	}
	return f.Exit
}

// rule is one row of the table from errors to exit codes, hints and codes for scripts.
type rule struct {
	match func(error) bool
	fill  failure
}

func is(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }

func as[T error](err error) bool {
	var t T
	return errors.As(err, &t)
}

// rules are tried in order: what matters most for the card comes first.
var rules = []rule{
	{isUsage, failure{Exit: exitUsage, Code: "usage"}},
	{as[*job.Faults], failure{Exit: exitUsage, Code: "job_invalid", Hint: "no card was touched; mend the file and run again"}},
	{as[*binding.InputError], failure{Exit: exitUsage, Code: "input_invalid", Hint: "no card was touched"}},
	{as[*keys.Error], failure{Exit: exitUsage, Code: "key_file_invalid", Hint: "a key file has mode 0600 (chmod 600 FILE), or is encrypted with age and opened by --identity; docs/bench.md tells its rows"}},
	{is(keys.ErrNotBuilt), failure{Exit: exitUsage, Code: "no_pkcs11_in_build", Hint: "build it with cgo and -tags pkcs11"}},
	{is(gp.ErrHeld), failure{Exit: exitRefused, Code: "keys_held", Hint: "nothing was written; this needs keys that can be seen"}},
	{as[*keys.TokenError], failure{Exit: exitAuth, Code: "token_refused", Hint: "no key of a card was used; docs/bench.md says what a token has to offer"}},
	{as[*personalize.InDoubtError], failure{Exit: exitDoubt, Code: "in_doubt", Hint: "run the same command again: it reads the card and finishes or classifies it"}},
	{as[*personalize.PlayedError], failure{Exit: exitDoubt, Code: "played", Hint: "'simbind terminal put-back' puts it back as it was before"}},
	{as[*personalize.QuarantineError], failure{Exit: exitDoubt, Code: "quarantine", Hint: "put the card aside; 'simbind status --keys FILE' shows what it holds; --release \"REASON\" lets it go on"}},
	{as[*content.UnprovenKeysError], failure{Exit: exitDoubt, Code: "keys_unproven", Hint: "put the card aside, and keep the files of both sets: one of them is on it"}},
	{as[*personalize.VerifyError], failure{Exit: exitDoubt, Code: "read_back_differs", Hint: "put the card aside; the backup of EF_IMSI is in the backup folder"}},
	{as[*personalize.AttemptsError], failure{Exit: exitBlocked, Code: "attempts_used_up", Hint: "find the right keys first; then allow one more with --attempts N. Where the key file names a kvn, the failures of other versions do not count"}},
	{isPINBlocked, failure{Exit: exitBlocked, Code: "code_blocked", Hint: "no further attempt is possible; a PIN is unblocked with its PUK by the issuer"}},
	{isPINRefused, failure{Exit: exitBlocked, Code: "floor", Hint: "the attempt was not made; --pin-floor 0 allows the last one"}},
	{isKeyBlocked, failure{Exit: exitBlocked, Code: "key_set_blocked", Hint: "other keys will not help; the issuer has to unblock the key set"}},
	{as[*uicc.PINError], failure{Exit: exitAuth, Code: "code_refused", Hint: "check the code against the card's papers before the next attempt"}},
	{isLevel, failure{Exit: exitRefused, Code: "level_not_offered", Hint: "no try was spent; --level 01 and 03 are offered by every card"}},
	{as[*gp.SessionError], failure{Exit: exitAuth, Code: "key_refused", Hint: "check key file, key version and derivation against the card's papers; nothing is tried again by itself"}},
	{is(gp.ErrKey), failure{Exit: exitAuth, Code: "key_unfit", Hint: "no try was spent; check kind, length and derivation in the key file against the card's papers"}},
	{is(personalize.ErrNoKeys), failure{Exit: exitAuth, Code: "keys_missing", Hint: "give --keys FILE with the keys in the row of this ICCID (ADM1 also by --adm-file)"}},
	{as[personalize.PINNeededError], failure{Exit: exitAuth, Code: "pin_needed", Hint: "give --pin-file FILE, or a column pin1 in the key file"}},
	{as[*personalize.MismatchError], failure{Exit: exitWrongCard, Code: "wrong_card", Hint: "no key was used and nothing was written"}},
	{as[*personalize.ConfiguredError], failure{Exit: exitRefused, Code: "already_personalized", Hint: "'simbind personalize --reconfigure' changes it; 'simbind status' shows what it is bound to"}},
	{as[*personalize.UnfitError], failure{Exit: exitRefused, Code: "unfit", Hint: "nothing was written"}},
	{is(gp.ErrContent), failure{Exit: exitRefused, Code: "unfit", Hint: "nothing was written: it does not fit the commands of a card"}},
	{is(personalize.ErrNoApplet), failure{Exit: exitRefused, Code: "no_applet", Hint: "'simbind applet install' puts it there; --aid names another AID"}},
	{as[*content.BindingAppletError], failure{Exit: exitRefused, Code: "binding_applet", Hint: "'simbind applet remove' restores EF_IMSI first, then deletes it; nothing was written"}},
	{as[*content.ConflictError], failure{Exit: exitRefused, Code: "in_the_way", Hint: "nothing was written; 'simbind gp list --keys FILE' shows what is on the card"}},
	{is(content.ErrLocked), failure{Exit: exitRefused, Code: "card_state_locked", Hint: "nothing was written; 'simbind gp card-state secured' unlocks it, and --expect-iccid tells the verbs of gp which card it is"}},
	{as[*content.HalfInstalledError], failure{Exit: exitOther, Code: "half_installed", Hint: "mend the cause and run the same command again, or take the load file off with 'simbind gp delete'"}},
	{isNotNow, failure{Exit: exitRefused, Code: "not_now", Hint: "nothing was written; 'simbind status' shows the scheme: unbind and rebind are for first-insert, any other binding is changed by 'simbind personalize' with --reconfigure"}},
	{as[*gp.ContentError], failure{Exit: exitOther, Code: "card_refused", Hint: "what was done before this step stays; 'simbind gp list --keys FILE' shows what is on the card"}},
	{is(binding.ErrMalformed), failure{Exit: exitOther, Code: "answer_malformed", Hint: "what answers is no binding applet this tool knows; --aid names another AID"}},
	{is(gp.ErrNoDomain), failure{Exit: exitRefused, Code: "no_domain", Hint: "not a GlobalPlatform card, or its security domain has another AID: --security-domain names it"}},
	{as[*ledger.InputError], failure{Exit: exitUsage, Code: "ledger_input"}},
	{as[*ledger.ChainError], failure{Exit: exitDoubt, Code: "chain_broken", Hint: "'simbind audit verify' lists every problem; work on a copy, and keep the ledger as it is"}},
	{as[*ledger.ImbalanceError], failure{Exit: exitRefused, Code: "imbalance", Hint: "nothing was sealed; 'simbind audit doubt' lists cards in doubt, 'simbind audit reject' settles one in quarantine"}},
	{as[*ledger.ApprovalError], failure{Exit: exitRefused, Code: "approval_missing", Hint: "'simbind audit approve start|redo|seal JOB --operator NAME --key FILE' signs, once for each of two operators"}},
	{as[*ledger.TakenError], failure{Exit: exitRefused, Code: "card_taken", Hint: "a card that is done is done again only by a redo with its reason"}},
	{as[*ledger.JobDiffersError], failure{Exit: exitRefused, Code: "job_differs"}},
	{as[*ledger.HeldError], failure{Exit: exitBusy, Code: "claim_held", Retryable: true, Hint: "'simbind audit release' takes the card from a station that will not go on"}},
	{is(ledger.ErrConcluded), failure{Exit: exitRefused, Code: "claim_concluded", Hint: "'simbind audit export ICCID' shows what became of the card; one that is done is done again by 'simbind batch retry' alone"}},
	{is(ledger.ErrLost), failure{Exit: exitBusy, Code: "claim_lost", Hint: "'simbind audit export ICCID' shows what became of the card; one that is done is done again by 'simbind batch retry' alone"}},
	{is(ledger.ErrSealed), failure{Exit: exitRefused, Code: "job_sealed", Hint: "nothing more is done under a sealed job: more cards are another job"}},
	{is(ledger.ErrNotOrdered), failure{Exit: exitWrongCard, Code: "not_ordered", Hint: "no key was used and nothing was written"}},
	{is(ledger.ErrNoJob), failure{Exit: exitUsage, Code: "unknown_job"}},
	{is(ledger.ErrNoClaim), failure{Exit: exitUsage, Code: "unknown_claim", Hint: "the ledger holds nothing of this kind about this card"}},
	{isState("28P01", "28000"), failure{Exit: exitOther, Code: "ledger_denied", Hint: "the password is that of the line of the database in ~/.pgpass, or in the file PGPASSFILE names; see docs/bench.md, Several stations"}},
	{isState("42501"), failure{Exit: exitOther, Code: "ledger_denied", Hint: "the user makes the tables, and needs a database of its own for them; see docs/bench.md, Several stations"}},
	{as[*ledger.StoreError], failure{Exit: exitOther, Code: "ledger_unreachable", Retryable: true}},
	{as[*personalize.LockedError], failure{Exit: exitBusy, Code: "card_locked", Retryable: true}},
	{is(pcsc.ErrInUse), failure{Exit: exitBusy, Code: "reader_in_use", Retryable: true, Hint: "end the other program, or wait"}},
	{is(pcsc.ErrNoService), failure{Exit: exitNoCard, Code: "no_service", Retryable: true, Hint: "start the PC/SC daemon (pcscd), or use --reader virtual"}},
	{is(pcsc.ErrNotBuilt), failure{Exit: exitNoCard, Code: "no_pcsc_in_build", Hint: "build it with cgo and libpcsclite, or use --reader virtual"}},
	{is(pcsc.ErrNoReader), failure{Exit: exitNoCard, Code: "no_reader", Retryable: true, Hint: "'simbind readers' lists what is there"}},
	{is(pcsc.ErrNoCard), failure{Exit: exitNoCard, Code: "no_card", Retryable: true, Hint: "insert a card; --wait 30s waits for one"}},
	{is(pcsc.ErrMute), failure{Exit: exitNoCard, Code: "card_mute", Retryable: true, Hint: "take it out, clean the contacts, look which way round it is"}},
	{is(pcsc.ErrRemoved), failure{Exit: exitNoCard, Code: "card_removed", Retryable: true, Hint: "insert the card and run again"}},
	{is(pcsc.ErrReset), failure{Exit: exitNoCard, Code: "card_reset", Retryable: true, Hint: "another program reset the card; end it, and run again"}},
	{is(personalize.ErrBackupEncrypted), failure{Exit: exitRefused, Code: "backup_unusable", Hint: "--backup-identity FILE opens it"}},
	{is(personalize.ErrBackup), failure{Exit: exitRefused, Code: "backup_unusable"}},
	{is(context.Canceled), failure{Exit: exitInterrupted, Code: "interrupted", Retryable: true}},
	{is(context.DeadlineExceeded), failure{Exit: exitNoCard, Code: "timeout", Retryable: true}},
	{is(apdu.SWSecurityStatus), failure{Exit: exitAuth, Code: "security_status", Hint: "the card wants a PIN, ADM code or session for this; right after the keys were used it may mean a wrong ENC key"}},
	{as[*apdu.LinkError], failure{Exit: exitNoCard, Code: "link", Retryable: true}},
	{as[*os.PathError], failure{Exit: exitOther, Code: "file"}},
}

// isUsage: a reading of words that an interrupt ended is no mistake in them.
func isUsage(err error) bool {
	return as[*usageError](err) && !errors.Is(err, context.Canceled)
}

// isNotNow: the applet takes no such action of this card as it is.
func isNotNow(err error) bool {
	return as[*binding.AppletError](err) && errors.Is(err, apdu.SWConditions)
}

// isState: the database answers with one of these SQLSTATEs.
func isState(codes ...string) func(error) bool {
	return func(err error) bool {
		var e interface{ SQLState() string }
		return as[*ledger.StoreError](err) && errors.As(err, &e) && slices.Contains(codes, e.SQLState())
	}
}

func isPINBlocked(err error) bool {
	var e *uicc.PINError
	return errors.As(err, &e) && e.Blocked
}

func isPINRefused(err error) bool {
	var e *uicc.PINError
	return errors.As(err, &e) && e.Refused
}

func isKeyBlocked(err error) bool {
	var e *gp.SessionError
	if !errors.As(err, &e) {
		return false
	}
	left, told := e.TriesLeft()
	return e.Failure == gp.FailureBlocked || told && left == 0
}

func isLevel(err error) bool {
	var e *gp.SessionError
	return errors.As(err, &e) && e.Failure == gp.FailureLevel
}

// codeWords are the codes of errors that know no more than how the program ends.
var codeWords = map[int]string{exitUsage: "usage", exitNoCard: "no_card", exitRefused: "refused", exitBusy: "in_use"}

func classify(err error) failure {
	f := failure{Exit: exitOther, Code: "other"}
	for _, r := range rules {
		if r.match(err) {
			f = r.fill
			break
		}
	}
	var code *codeError
	if errors.As(err, &code) {
		f.Exit = code.code
		if word, ok := codeWords[f.Exit]; ok && f.Code == "other" {
			f.Code = word
		}
		if code.hint != "" {
			f.Hint = code.hint
		}
	}
	var usage *usageError
	if errors.As(err, &usage) && usage.hint != "" {
		f.Hint = usage.hint
	}
	var pin *uicc.PINError
	if errors.As(err, &pin) && pin.TriesLeft >= 0 {
		f.TriesLeft = &pin.TriesLeft
	}
	var key *gp.SessionError
	if errors.As(err, &key) {
		if left, told := key.TriesLeft(); told {
			f.TriesLeft = &left
		}
	}
	var sw apdu.SW
	if errors.As(err, &sw) {
		f.SW = sw.String()
	}
	return f
}
