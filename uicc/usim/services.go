package usim

import "fmt"

// Services of EF_UST that this tool acts on (clause 4.2.8).
const (
	ServiceFDN         = 2   // fixed dialling numbers
	ServiceBDN         = 6   // barred dialling numbers
	ServiceSPN         = 19  // service provider name
	ServiceMSISDN      = 21  // MSISDN
	ServiceACL         = 35  // APN control list
	ServiceEMM         = 85  // EPS mobility management information
	ServicePairing     = 102 // USAT application pairing
	Service5GSMM       = 122 // 5GS mobility management information
	Service5GSKeys     = 123 // 5G security parameters
	ServiceSUCI        = 124 // subscription identifier privacy
	ServiceSUCIByUSIM  = 125 // SUCI calculated by the USIM
	ServiceNonIMSISUPI = 130 // SUPI of type NSI, GLI or GCI: EF_IMSI is absent
)

// serviceNames are those a report about a binding may mention.
var serviceNames = map[int]string{
	1: "local phone book", ServiceFDN: "fixed dialling numbers", ServiceBDN: "barred dialling numbers", ServiceACL: "APN control list", 10: "short message storage", 12: "short message service parameters",
	17: "group identifier level 1", 18: "group identifier level 2", ServiceSPN: "service provider name",
	20: "user controlled PLMN selector", ServiceMSISDN: "MSISDN", 27: "GSM access", 28: "data download via SMS-PP",
	29: "data download via SMS-CB", 30: "call control by USIM", 31: "control of short messages by USIM", 32: "RUN AT COMMAND", 33: "always available", 38: "GSM security context", 42: "operator controlled PLMN selector", 43: "HPLMN selector",
	45: "PLMN network name", ServiceEMM: "EPS mobility management information", ServicePairing: "USAT application pairing",
	Service5GSMM: "5GS mobility management information", Service5GSKeys: "5G security parameters",
	ServiceSUCI: "subscription identifier privacy", ServiceSUCIByUSIM: "SUCI calculation by the USIM",
	ServiceNonIMSISUPI: "SUPI of type NSI, GLI or GCI",
}

// ServiceName is the name of service n, or "service n".
func ServiceName(n int) string {
	if name, ok := serviceNames[n]; ok {
		return name
	}
	return fmt.Sprintf("service %d", n)
}

// Services is the content of EF_UST: service n is bit (n-1)%8+1 of byte (n-1)/8+1. A file that ends before a service
// does not offer it.
type Services []byte

// Available tells whether service n, from 1, is available.
func (s Services) Available(n int) bool {
	i := (n - 1) / 8
	return n > 0 && i < len(s) && s[i]&(1<<((n-1)%8)) != 0
}

// List is the numbers of the services available, lowest first.
func (s Services) List() []int {
	var out []int
	for n := 1; n <= 8*len(s); n++ {
		if s.Available(n) {
			out = append(out, n)
		}
	}
	return out
}

var codecUST = Codec{Decode: decodeUST}

func decodeUST(b []byte) (any, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: EF_UST is empty", ErrMalformed)
	}
	return Services(append([]byte(nil), b...)), nil
}
