package gp

import (
	"errors"
	"fmt"

	"github.com/simbind/simbind/apdu"
)

// ContentError is a command of card content or key management that the card refused. What the same status word means differs from
// command to command.
type ContentError struct {
	Name string // "INSTALL [for load]", "LOAD block 3 of 17"
	INS  byte
	SW   apdu.SW
}

// Error reads "INSTALL [for install]: 6A80: order or nesting of the parameters, a TAR in use, or a limit of the card".
func (e *ContentError) Error() string {
	return fmt.Sprintf("%s: %s: %s", e.Name, e.SW.String(), contentMeaning(e.INS, e.SW))
}

// Unwrap gives the status word.
func (e *ContentError) Unwrap() error { return e.SW }

// swImportMissing is no word of a standard, but what most cards answer.
const swImportMissing apdu.SW = 0x6438

// contentMeanings are the words of GPCS clause 11, as cards use them (docs/standards.md).
var contentMeanings = map[byte]map[apdu.SW]string{
	apdu.INSInstall: {
		apdu.SWWrongData:           "order or nesting of the parameters, a TAR in use, or a limit of the card",
		apdu.SWConditions:          "something with this AID is on the card already, or it is in the wrong state",
		apdu.SWReferenceNotFound:   "load file, module, instance or security domain is not on the card",
		apdu.SWNoMemory:            "not enough memory for what the parameters ask for",
		apdu.SWFunctionUnsupported: "the card does not offer this form of INSTALL, or cannot run the module",
	},
	apdu.INSLoad: {
		apdu.SWWrongData:  "the card does not take the load file: its format, its hash, or its AID",
		apdu.SWConditions: "no INSTALL [for load] is under way, or the AID is taken",
		apdu.SWNoMemory:   "not enough memory for the load file",
		swImportMissing:   "a package that the load file imports is missing on the card, or too old",
	},
	apdu.INSDelete: {
		apdu.SWConditions:        "something else on the card needs it, or it may not be deleted",
		apdu.SWReferenceNotFound: "it is not on the card",
	},
	apdu.INSSetStatus: {
		apdu.SWConditions:        "this change of state is not allowed now",
		apdu.SWReferenceNotFound: "it is not on the card",
	},
	apdu.INSPutKey: {
		apdu.SWSecurityStatus:    "the session may not change keys",
		apdu.SWWrongData:         "the card does not take the keys: the DEK is wrong, the form is another, or the version is taken",
		apdu.SWConditions:        "the card's policy does not allow this change",
		apdu.SWReferenceNotFound: "the key version that is to be replaced is not on the card",
		apdu.SWNoMemory:          "no room for more keys",
		0x9484:                   "the card does not have this algorithm",
		0x9485:                   "the check value does not fit the key: the DEK is wrong",
	},
	apdu.INSStoreData: {
		apdu.SWWrongData:         "the data is not what the application expects",
		apdu.SWConditions:        "nothing is selected that takes this data",
		apdu.SWReferenceNotFound: "it is not on the card",
	},
}

func contentMeaning(ins byte, sw apdu.SW) string {
	if m, ok := contentMeanings[ins][sw]; ok {
		return m
	}
	return sw.Meaning()
}

// Explain turns a refusal of c into a *ContentError; other errors pass unchanged.
func Explain(c apdu.Command, err error) error {
	var refused *apdu.Error
	if !errors.As(err, &refused) {
		return err
	}
	return &ContentError{Name: refused.Name, INS: c.INS, SW: refused.SW}
}
