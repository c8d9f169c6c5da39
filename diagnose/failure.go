package diagnose

import (
	"fmt"

	"github.com/simbind/simbind/binding"
)

// failureKinds explain why the applet's last step failed (card interface §5, tag 89). 07, service 130, is among those of EF_IMSI.
var failureKinds = []kind{
	failure("applet_cannot_read", Error, "the applet cannot read EF_IMSI", "have the issuer install the applet with a wider access domain ('simbind applet install' derives it), or activate the file", binding.FailureNotReadable),
	failure("access_domain_small", Error, "the applet may not write EF_IMSI: its access domain is too small", "have the issuer install the applet again; 'simbind applet install' derives the access domain from the card", binding.FailureNotWritable),
	failure("refresh_refused", Warning, "the device refused REFRESH: it may still use what it read before", "switch the device off and on once; --refresh 04 (reset) is what most devices carry out", binding.FailureRefreshRefused),
	failure("memory_failed", Error, "a write into the card's memory failed", "put the card aside: its memory wears out; back EF_IMSI up and replace it", binding.FailureMemory),
	failure("content_unknown", Warning, "the applet found EF_IMSI neither plausible nor known, and takes no backup of it", "look what wrote EF_IMSI; restore it with 'simbind restore FILE'", binding.FailureContentUnknown),
	failure("strict_resting", Warning, "strict start rests: the device did not come to rest after three restores", "the device resets the card over and over on REFRESH; choose another --refresh, or leave strict start", binding.FailureStrictResting),
	{"failure_unknown", Warning, "the applet's last step failed, for a reason this program does not know", "use a newer simbind", seeUnknownFailure},
}

func failure(id string, s Severity, what, next string, want binding.Failure) kind {
	return kind{id, s, what, next, func(f *Facts, _ Show) string {
		st := f.state()
		if st == nil || st.Failure != want {
			return ""
		}
		return fmt.Sprintf("the applet's last failure: %02X, %s", byte(want), want)
	}}
}

func seeUnknownFailure(f *Facts, _ Show) string {
	st := f.state()
	if st == nil || st.Failure <= binding.FailureService130 {
		return ""
	}
	return fmt.Sprintf("the applet's last failure: %02X", byte(st.Failure))
}
