package job

import (
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize/keys"
)

// Settings are what job.yaml says besides the cards; a CSV alone has the defaults.
type Settings struct {
	Name           string // for people; at most 200 bytes
	Folder         string // that relative paths were resolved against
	Cards          string // the file of cards
	Channel        Channel
	Keys           KeySource
	Backups        Backups
	Approval       Approval
	FailuresInARow int // that stop the batch
	Attempts       int // per card, the first among them, where seating it anew may help
	Hooks          Hooks
	Output         Output
	AllowTestIMEI  bool // IMEIs whose TAC begins with 00
	AllowSameIMEI  bool // one full IMEI for several cards
}

// Defaults of the settings.
const (
	DefaultFailuresInARow = 5
	DefaultAttempts       = 3
)

// Channel is how a card is spoken to.
type Channel struct {
	Level  gp.Level // security level of the secure channel; 0: the tool's default
	AID    []byte   // of the binding applet; empty: the default
	Domain []byte   // AID of the security domain; empty: the issuer's
}

// KeySource says where the secrets of the cards are. At most one of File and Token is given.
type KeySource struct {
	File     string      // key file; the file of cards itself where that has columns of keys
	Identity string      // age identity that opens it
	Token    *keys.Token // master keys in a PKCS#11 token
}

// Backups say where the backups of EF_IMSI go.
type Backups struct {
	Folder     string   // empty: in the state folder
	Recipients []string // age recipients; empty: in plain
}

// Approval is the rule of a second person.
type Approval struct {
	Required  bool       // start, redo and seal need two operators' signatures
	Approvers []Approver // who may sign; empty: any two
}

// Approver is an operator and the key that is taken for theirs.
type Approver struct {
	Operator string `json:"operator"`
	Key      string `json:"key"` // Ed25519 public key, 64 hex digits
}

// Hooks are commands with their arguments, started without a shell. An empty one is none.
type Hooks struct {
	Get  []string `json:"get"`  // bring the next card
	Good []string `json:"good"` // take a good card away
	Bad  []string `json:"bad"`  // put a card into the bin
}

// Output is the file for the operator's systems.
type Output struct {
	Template string // empty: none
	File     string

	digest string // of the template's content
}
