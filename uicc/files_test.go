package uicc

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simbind/simbind/apdu"
)

const fcpIMSI = "62178202412183026F078A01058B036F060A80020009880138"

func TestSelect(t *testing.T) {
	f, err := Select(t.Context(), play(t, [2]string{"00A40804047F206F0700", fcpIMSI + "9000"}), Path{MF, DFGSM, 0x6F07})
	if err != nil || f.FID != 0x6F07 || f.Size != 9 || f.Deactivated {
		t.Errorf("%+v %v", f, err)
	}
	f, err = Select(t.Context(), play(t, [2]string{"00A40004026F0700", fcpIMSI + "6283"}), FID(0x6F07))
	if err != nil || !f.Deactivated || f.Size != 9 {
		t.Errorf("deactivated: %+v %v", f, err)
	}
	f, err = Select(t.Context(), play(t, [2]string{"00A40004026F0700", "6283"}), FID(0x6F07))
	if !errors.Is(err, ErrMalformed) || !f.Deactivated {
		t.Errorf("deactivated, without FCP: %+v %v", f, err)
	}
	f, err = Select(t.Context(), play(t, [2]string{"00A40004026F0700", fcpIMSI + "910B"}), FID(0x6F07))
	if err != nil || f.Deactivated {
		t.Errorf("with a proactive command waiting: %+v %v", f, err)
	}
	for sw, want := range map[string]error{"6A82": apdu.SWFileNotFound, "6284": apdu.SWTerminationState} {
		_, err = Select(t.Context(), play(t, [2]string{"00A40004026F0700", sw}), FID(0x6F07))
		if !errors.Is(err, want) || !strings.HasPrefix(err.Error(), "SELECT 6F07: "+sw) {
			t.Errorf("%s: %v", sw, err)
		}
	}
	_, err = Select(t.Context(), play(t, [2]string{"00A40004026F0700", "9000"}), FID(0x6F07))
	if !errors.Is(err, ErrMalformed) {
		t.Errorf("no FCP: %v", err)
	}
	_, err = SelectAID(t.Context(), play(t, [2]string{"00A4040405A00000000300", ""}), "ISD", unhex(t, "A000000003"))
	if link := new(apdu.LinkError); !errors.As(err, &link) || link.Name != "SELECT ISD" {
		t.Errorf("link: %v", err)
	}
}

func TestReadTransparent(t *testing.T) {
	long := strings.Repeat("A5", 255)
	got, err := ReadTransparent(t.Context(), play(t,
		[2]string{"00B00000FF", long + "9000"}, [2]string{"00B000FFFF", long + "9000"}, [2]string{"00B001FE02", "01029000"}), "EF_X", 512)
	if err != nil || len(got) != 512 || got[511] != 2 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	got, err = ReadTransparent(t.Context(), play(t), "EF_X", 0)
	if err != nil || len(got) != 0 {
		t.Errorf("empty file: %X %v", got, err)
	}
	for name, row := range map[string]struct {
		answer string
		want   error
	}{
		"end of file": {"01026282", apdu.SW(0x6282)}, "corrupted": {"0102036281", apdu.SW(0x6281)}, "too short": {"01029000", ErrMalformed},
		"too long": {"010203049000", ErrMalformed}, "refused": {"6982", apdu.SWSecurityStatus}, "record file": {"6981", apdu.SWIncompatibleFile},
	} {
		if _, err := ReadTransparent(t.Context(), play(t, [2]string{"00B0000003", row.answer}), "EF_X", 3); !errors.Is(err, row.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, size := range []int{-1, 32769} {
		if _, err := ReadTransparent(t.Context(), play(t), "EF_X", size); !errors.Is(err, ErrMalformed) {
			t.Errorf("size %d: %v", size, err)
		}
	}
}

func TestReadRecords(t *testing.T) {
	f := FCP{Structure: Cyclic, RecordSize: 2, Records: 2}
	got, err := ReadRecords(t.Context(), play(t, [2]string{"00B2010402", "01029000"}, [2]string{"00B2020402", "03049000"}), "EF_X", f)
	if err != nil || !cmp.Equal(got, [][]byte{{1, 2}, {3, 4}}) {
		t.Errorf("%X %v", got, err)
	}
	_, err = ReadRecords(t.Context(), play(t, [2]string{"00B2010402", "019000"}), "EF_X", f)
	if !errors.Is(err, ErrMalformed) {
		t.Errorf("short record: %v", err)
	}
	_, err = ReadRecords(t.Context(), play(t, [2]string{"00B2010402", "01029000"}, [2]string{"00B2020402", "6A83"}), "EF_X", f)
	if !errors.Is(err, apdu.SWRecordNotFound) || !strings.HasPrefix(err.Error(), "READ RECORD EF_X 2:") {
		t.Errorf("missing record: %v", err)
	}
	for _, f := range []FCP{{Structure: Transparent, RecordSize: 2, Records: 2}, {Structure: LinearFixed, Records: 2}, {Structure: LinearFixed, RecordSize: 2, Records: 255}, {Structure: LinearFixed, RecordSize: 256, Records: 1}} {
		if _, err := ReadRecords(t.Context(), play(t), "EF_X", f); !errors.Is(err, ErrMalformed) {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

func TestUpdate(t *testing.T) {
	c := UpdateBinary(0, []byte{1})
	for answer, row := range map[string]struct {
		retries int
		want    error
	}{
		"9000": {0, nil}, "9110": {0, nil}, "63C3": {3, nil}, "63C0": {0, nil}, "6581": {0, apdu.SWMemory}, "6984": {0, apdu.SWReferencedData}, "": {0, errLink},
	} {
		retries, err := Update(t.Context(), play(t, [2]string{"00D600000101", answer}), "UPDATE BINARY EF_X", c)
		if retries != row.retries || !errors.Is(err, row.want) {
			t.Errorf("%s: %d %v", answer, retries, err)
		}
	}
}

func TestReadICCID(t *testing.T) {
	const file = "988812010000400310F0"
	id, raw, err := ReadICCID(t.Context(), play(t, [2]string{"00B082000A", file + "9000"}))
	if err != nil || id != "8988211000000430010" || fmt.Sprintf("%X", raw) != file {
		t.Errorf("%s %X %v", id, raw, err)
	}
	_, raw, err = ReadICCID(t.Context(), play(t, [2]string{"00B082000A", "FFFFFFFFFFFFFFFFFFFF9000"}))
	if !errors.Is(err, ErrMalformed) || len(raw) != 10 {
		t.Errorf("blank: %X %v", raw, err)
	}
}
