package uicc

import (
	"context"
	"errors"
	"fmt"

	"github.com/simbind/simbind/apdu"
)

// Select selects a file or application and reads its FCP. A deactivated file (6283) is no error: its FCP says
// Deactivated, also beside an error where the card answered 6283 without an FCP. Errors begin with "SELECT" and what was selected.
func Select(ctx context.Context, t apdu.Transmitter, what Selection) (FCP, error) {
	return selectFile(ctx, t, what.String(), what.Command())
}

// SelectFile selects a file below the current DF or ADF by identifier; name stands in errors.
func SelectFile(ctx context.Context, t apdu.Transmitter, name string, f FID) (FCP, error) {
	return selectFile(ctx, t, name, SelectFID(f))
}

// SelectFilePath selects a file by its path from the MF or, beginning with 7FFF, from the current ADF.
func SelectFilePath(ctx context.Context, t apdu.Transmitter, name string, p Path) (FCP, error) {
	return selectFile(ctx, t, name, SelectPath(p))
}

// SelectAID selects an application by its AID.
func SelectAID(ctx context.Context, t apdu.Transmitter, name string, aid []byte) (FCP, error) {
	return selectFile(ctx, t, name, SelectAIDCommand(aid))
}

func selectFile(ctx context.Context, t apdu.Transmitter, name string, c apdu.Command) (FCP, error) {
	name = "SELECT " + name
	r, err := apdu.Do(ctx, t, name, c)
	deactivated := errors.Is(err, apdu.SWFileDeactivated)
	if err != nil && !deactivated {
		return FCP{}, err
	}
	f, err := ParseFCP(r.Data)
	f.Deactivated = deactivated
	if err != nil {
		return f, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// Bounds of what is read of one file: 15 bits of offset, and one byte of record number.
const (
	maxFile    = 1 << 15
	maxRecords = 254
)

// ReadTransparent reads size bytes, at most 32768, of the current transparent EF, 255 a command. An answer shorter
// than asked for is an error: what came is not the file.
func ReadTransparent(ctx context.Context, t apdu.Transmitter, name string, size int) ([]byte, error) {
	name = "READ BINARY " + name
	if size < 0 || size > maxFile {
		return nil, fmt.Errorf("%s: %w: a file of %d bytes, at most %d", name, ErrMalformed, size, maxFile)
	}
	out := make([]byte, 0, size)
	for len(out) < size {
		n := min(size-len(out), apdu.MaxShortData)
		r, err := apdu.Do(ctx, t, name, ReadBinary(len(out), n))
		if err != nil {
			return nil, err
		}
		if len(r.Data) != n {
			return nil, fmt.Errorf("%s: %w: %d bytes, asked for %d", name, ErrMalformed, len(r.Data), n)
		}
		out = append(out, r.Data...)
	}
	return out, nil
}

// swEndOfFile: the file, or record, ended before the length asked for (clause 10.2.1.3).
const swEndOfFile apdu.SW = 0x6282

// ReadToEnd sends a READ command that asks for 256 bytes (Le 00), and gives what there is: some cards warn of the end (6282) then.
func ReadToEnd(ctx context.Context, t apdu.Transmitter, name string, c apdu.Command) ([]byte, error) {
	r, err := apdu.Do(ctx, t, name, c)
	if err != nil && (r.SW != swEndOfFile || len(r.Data) == 0) {
		return nil, err
	}
	return r.Data, nil
}

// ReadRecords reads every record of the current linear fixed or cyclic EF, in the order of their numbers; f is the
// FCP its SELECT answered.
func ReadRecords(ctx context.Context, t apdu.Transmitter, name string, f FCP) ([][]byte, error) {
	name = "READ RECORD " + name
	if f.Structure != LinearFixed && f.Structure != Cyclic || f.RecordSize < 1 || f.RecordSize > apdu.MaxShortData || f.Records > maxRecords {
		return nil, fmt.Errorf("%s: %w: %s file, %d records of %d bytes", name, ErrMalformed, f.Structure, f.Records, f.RecordSize)
	}
	var out [][]byte
	for n := 1; n <= f.Records; n++ {
		r, err := apdu.Do(ctx, t, fmt.Sprintf("%s %d", name, n), ReadRecord(0, byte(n), f.RecordSize))
		if err != nil {
			return nil, err
		}
		if len(r.Data) != f.RecordSize {
			return nil, fmt.Errorf("%s %d: %w: %d bytes, asked for %d", name, n, ErrMalformed, len(r.Data), f.RecordSize)
		}
		out = append(out, r.Data)
	}
	return out, nil
}

// Update sends an UPDATE command. 63CX means that it was done after X internal retries (clause 10.2.2.1): retries
// tells X, a sign of wear, and is no error.
func Update(ctx context.Context, t apdu.Transmitter, name string, c apdu.Command) (retries int, err error) {
	r, err := apdu.Do(ctx, t, name, c)
	if x, ok := r.SW.Counter(); ok {
		return x, nil
	}
	return 0, err
}

// ReadICCID reads EF_ICCID by its SFI; the MF has to be current, as it is after a reset (clause 13.2). The 10 bytes
// are returned too, even when they hold no ICCID.
func ReadICCID(ctx context.Context, t apdu.Transmitter) (ICCID, []byte, error) {
	const name, sfi, size = "READ BINARY EF_ICCID", 0x02, 10
	r, err := apdu.Do(ctx, t, name, ReadBinarySFI(sfi, 0, size))
	if err != nil {
		return "", nil, err
	}
	id, err := DecodeICCID(r.Data)
	if err != nil {
		return "", r.Data, fmt.Errorf("%s: %w", name, err)
	}
	return id, r.Data, nil
}
