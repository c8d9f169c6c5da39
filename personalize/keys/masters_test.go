package keys

import (
	"errors"
	"fmt"
	"testing"

	"github.com/simbind/simbind/gp"
)

const head = "iccid,kvn,kind,enc,mac,dek,diversification\n"

// TestMasters: the row of every card serves those that have none of their own, wherever it stands.
func TestMasters(t *testing.T) {
	masters := "*,30,aes," + mac + "," + enc + "," + dek + ",kdf3\n"
	own := iccid + ",20,des," + enc + "," + mac + "," + dek + ",\n"
	for name, text := range map[string]string{"before": head + masters + own, "behind": head + own + masters} {
		path := write(t, "k.csv", text, 0o600)
		c, err := Load(path, "", iccid)
		if err != nil || c.Keys.KVN != 0x20 || c.Kind != gp.DES || c.Keys.Diversification != gp.NotDiversified {
			t.Errorf("%s: the card's own row: %+v, %v", name, c, err)
		}
		c, err = Load(path, "", "8988211000000467343")
		if err != nil || c.ICCID != "8988211000000467343" || c.Keys.Diversification != gp.KDF3 || c.Kind != gp.AES || fmt.Sprintf("%X", c.Keys.ENC.Reveal()) != mac {
			t.Errorf("%s: the masters' row: %+v, %v", name, c, err)
		}
	}
	yaml := "cards:\n  - {iccid: '*', kvn: '30', enc: '" + enc + "', mac: '" + mac + "', diversification: emv}\n"
	if c, err := Load(write(t, "k.yaml", yaml, 0o600), "", iccid); err != nil || c.Keys.Diversification != gp.EMV {
		t.Errorf("YAML: %+v, %v", c, err)
	}
}

func TestRefusedMasters(t *testing.T) {
	row := "*,30,," + enc + "," + mac + "," + dek + ","
	for name, c := range map[string]struct {
		text, column string
		line         int
	}{
		"no derivation": {head + row + "none\n", "diversification", 2},
		"twice":         {head + row + "kdf3\n" + row + "kdf3\n", "iccid", 3},
		"kind":          {head + iccid + ",30,3des," + enc + "," + mac + "," + dek + ",\n", "kind", 2},
	} {
		_, err := Load(write(t, "k.csv", c.text, 0o600), "", iccid)
		var e *Error
		if !errors.As(err, &e) || e.Column != c.column || e.Line != c.line {
			t.Errorf("%s: %v", name, err)
		}
	}
}
