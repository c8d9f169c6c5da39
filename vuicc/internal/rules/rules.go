// Package rules names the protective rules of docs/card-interface.md §8, so that a test can take one out of the model of the
// applet and see which invariant it protects. Nothing outside the virtual card can name one.
package rules

// Rule is one protective rule; the zero value is none.
type Rule struct{ name string }

// String is the rule in a few words.
func (r Rule) String() string { return r.name }

// The protective rules, in the order of the page.
var (
	TakeAtFirstCommand        = Rule{"take at the first command after reset"}
	TakeAtProfile             = Rule{"take at TERMINAL PROFILE"}
	TakeBeforeDecision        = Rule{"take before a decision"}
	TakeBeforeChange          = Rule{"take before E0 and E2"}
	TakePlausibleOnly         = Rule{"only plausible content becomes a backup"}
	TakeNoDenialValue         = Rule{"the denial value in force is never taken"}
	RememberDenialValues      = Rule{"former denial values are never taken"}
	PendingMark               = Rule{"a pending write is marked in the transaction of its decision"}
	PendingFinished           = Rule{"a pending write is finished before a backup is taken"}
	PendingLocation           = Rule{"the mark covers location and key files"}
	PendingKeptOnFailure      = Rule{"the mark stays while the memory spoils a copy"}
	HalfWritten               = Rule{"a mixture of the applet's own values under the mark is a half-written copy"}
	MarkBeforeChange          = Rule{"E0 marks before it deals with the old denial value"}
	IssuersNotOverwritten     = Rule{"content that could not be taken is not overwritten"}
	OthersNotWaiting          = Rule{"a copy that cannot be written does not keep the others waiting"}
	BackupBeforeWrite         = Rule{"a copy without a backup is never written"}
	NothingWithoutBackup      = Rule{"nothing is bound or denied while no copy has a backup"}
	DenialValueNotSubscribers = Rule{"a denial value that is a content or backup is refused"}
	RestoreBeforeChange       = Rule{"E0 deals with copies that hold the old denial value"}
	InvalidNeverBound         = Rule{"a missing IMEI is never bound"}
	BoundOnlyEqual            = Rule{"bound: only equality counts, while fewer are bound than may be as well"}
	AskAgain                  = Rule{"an answer is dropped when the generation changed since the question"}
	StrictHides               = Rule{"strict start hides at the first command"}
	VerifiedBeforeRestore     = Rule{"the verified mark is committed before the restore"}
	VerifiedOnce              = Rule{"the verified mark is used up by one start"}
	VerifiedClearedByAnswer   = Rule{"an answered REFRESH clears the verified mark"}
	VerifiedClearedByChange   = Rule{"an accepted E0 or E2 clears the verified mark"}
	StrictRests               = Rule{"three strict restores in a row: strict start rests"}
	StrictRestEnds            = Rule{"the rest ends when the IMEI changes"}
	StrictRowEnds             = Rule{"a start that restores nothing ends the row"}
	StatusEndsRow             = Rule{"a STATUS after REFRESH was answered ends the row"}
	MarkClearedLast           = Rule{"the mark is cleared after the copies are written"}
	LocationAtDenial          = Rule{"location and keys are reset with every denial"}
	LocationAtReturn          = Rule{"location and keys are reset when access comes back"}
	RefreshOnlyOnChange       = Rule{"REFRESH only if a copy did change"}
	ResetOnce                 = Rule{"REFRESH 04 is tried once a start"}
	BusyBounded               = Rule{"a busy REFRESH is repeated three times"}
	SameChangesNothing        = Rule{"an identical configuration changes nothing"}
	ObserveOnly               = Rule{"observe only never touches EF_IMSI"}
	OffRestores               = Rule{"off restores what is denied"}
)

// All lists them.
func All() []Rule {
	return []Rule{
		TakeAtFirstCommand,
		TakeAtProfile,
		TakeBeforeDecision,
		TakeBeforeChange,
		TakePlausibleOnly,
		TakeNoDenialValue,
		RememberDenialValues,
		PendingMark,
		PendingFinished,
		PendingLocation,
		PendingKeptOnFailure,
		HalfWritten,
		MarkBeforeChange,
		IssuersNotOverwritten,
		OthersNotWaiting,
		BackupBeforeWrite,
		NothingWithoutBackup,
		DenialValueNotSubscribers,
		RestoreBeforeChange,
		InvalidNeverBound,
		BoundOnlyEqual,
		AskAgain,
		StrictHides,
		VerifiedBeforeRestore,
		VerifiedOnce,
		VerifiedClearedByAnswer,
		VerifiedClearedByChange,
		StrictRests,
		StrictRestEnds,
		StrictRowEnds,
		StatusEndsRow,
		MarkClearedLast,
		LocationAtDenial,
		LocationAtReturn,
		RefreshOnlyOnChange,
		ResetOnce,
		BusyBounded,
		SameChangesNothing,
		ObserveOnly,
		OffRestores,
	}
}
