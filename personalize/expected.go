package personalize

import (
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

// CheckICCID refuses another card than the expected one with *MismatchError.
func (x Expected) CheckICCID(got uicc.ICCID) error { return x.checkICCID(got) }

// CheckIMSI refuses an EF_IMSI that is not the expected one, and one that shows none, with *MismatchError.
func (x Expected) CheckIMSI(content []byte) error {
	switch {
	case x.IMSI == "":
		return nil
	case len(content) != usim.EFIMSI.Size || usim.Plausible([9]byte(content)) != nil:
		return x.unseenIMSI()
	}
	return x.checkIMSI([9]byte(content))
}
