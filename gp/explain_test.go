package gp_test

import (
	"errors"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
)

func TestExplain(t *testing.T) {
	load := apdu.Command{CLA: 0x80, INS: apdu.INSLoad}
	for _, row := range []struct {
		c    apdu.Command
		sw   apdu.SW
		want string
	}{
		{load, 0x6438, "LOAD block 3 of 17: 6438: a package that the load file imports is missing on the card, or too old"},
		{apdu.Command{INS: apdu.INSPutKey}, 0x9485, "LOAD block 3 of 17: 9485: the check value does not fit the key: the DEK is wrong"},
		{apdu.Command{INS: apdu.INSInstall}, apdu.SWUnknownINS, "LOAD block 3 of 17: 6D00: instruction not supported"},
	} {
		err := gp.Explain(row.c, &apdu.Error{Name: "LOAD block 3 of 17", SW: row.sw})
		if err.Error() != row.want || !errors.Is(err, row.sw) {
			t.Errorf("%v", err)
		}
	}
	link := &apdu.LinkError{Name: "LOAD", Err: errors.New("gone")}
	if gp.Explain(load, link) != error(link) {
		t.Error("a broken link was explained")
	}
}

// TestLongParameters: a field of more than 127 bytes has 81 before its length, and what does not fit a command is refused.
func TestLongParameters(t *testing.T) {
	i := gp.Instance{LoadFile: make([]byte, 8), Module: make([]byte, 9), AID: make([]byte, 9), Privileges: []byte{0}, Parameters: make([]byte, 130)}
	c, err := gp.InstallForInstall(i, true)
	if err != nil || string(c.Data[31:33]) != "\x81\x82" || len(c.Data) != 31+2+130+1 {
		t.Errorf("%X, %v", c.Data, err)
	}
	for _, n := range []int{230, 256} {
		i.Parameters = make([]byte, n)
		if _, err := gp.InstallForInstall(i, true); !errors.Is(err, gp.ErrContent) {
			t.Errorf("%d bytes of parameters: %v", n, err)
		}
	}
}

// TestStateCommands: bytes written out from GPCS tables 11-4 and 11-85.
func TestStateCommands(t *testing.T) {
	aid := []byte{0xF0, 0x53, 0x49, 0x4D, 0x42}
	selectable, err := gp.InstallForMakeSelectable(aid, []byte{0})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		c    apdu.Command
		want []byte
	}{
		{gp.LockApplication(aid), []byte{0x80, 0xF0, 0x40, 0x80, 0x05, 0xF0, 0x53, 0x49, 0x4D, 0x42}},
		{gp.UnlockApplication(aid), []byte{0x80, 0xF0, 0x40, 0x00, 0x05, 0xF0, 0x53, 0x49, 0x4D, 0x42}},
		{selectable, []byte{0x80, 0xE6, 0x08, 0x00, 0x0C, 0, 0, 0x05, 0xF0, 0x53, 0x49, 0x4D, 0x42, 0x01, 0x00, 0x00, 0x00, 0x00}},
	} {
		got, err := row.c.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		same(t, "", got, row.want)
	}
}
