package uicc

import (
	"context"
	"fmt"

	"github.com/simbind/simbind/apdu"
)

// selectFile sends a SELECT and reads the FCP. 6283 is no error: the file is deactivated, and its FCP says so.
func selectFile(ctx context.Context, t apdu.Transmitter, name string, c apdu.Command) (FCP, error) {
	name = "SELECT " + name
	r, err := t.Transmit(ctx, c)
	if err != nil {
		return FCP{}, &apdu.LinkError{Name: name, Err: err}
	}
	if !r.SW.OK() && r.SW != apdu.SWFileDeactivated {
		return FCP{}, &apdu.Error{Name: name, SW: r.SW}
	}
	f, err := ParseFCP(r.Data)
	if err != nil {
		return f, fmt.Errorf("%s: %w", name, err)
	}
	f.Deactivated = r.SW == apdu.SWFileDeactivated
	return f, nil
}

// SelectFile selects a file below the current DF or ADF by identifier.
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

// maxFile bounds what is read of one file: the largest transparent EF has 15 bits of offset.
const maxFile = 1 << 15

// ReadTransparent reads size bytes of the current transparent EF, 255 a command.
func ReadTransparent(ctx context.Context, t apdu.Transmitter, name string, size int) ([]byte, error) {
	if size < 0 || size > maxFile {
		return nil, fmt.Errorf("READ BINARY %s: %w: size %d", name, ErrMalformed, size)
	}
	var out []byte
	for len(out) < size {
		n := min(size-len(out), apdu.MaxShortData)
		r, err := apdu.Do(ctx, t, "READ BINARY "+name, ReadBinary(len(out), n))
		if err != nil {
			return nil, err
		}
		if len(r.Data) != n {
			return nil, fmt.Errorf("READ BINARY %s: %w: %d bytes, asked for %d", name, ErrMalformed, len(r.Data), n)
		}
		out = append(out, r.Data...)
	}
	return out, nil
}

// ReadICCID reads EF_ICCID by its SFI; the MF has to be current, as it is after a reset (clause 13.2).
func ReadICCID(ctx context.Context, t apdu.Transmitter) (ICCID, []byte, error) {
	const sfi, size = 0x02, 10
	r, err := apdu.Do(ctx, t, "READ BINARY EF_ICCID", ReadBinarySFI(sfi, 0, size))
	if err != nil {
		return "", nil, err
	}
	id, err := DecodeICCID(r.Data)
	if err != nil {
		return "", r.Data, fmt.Errorf("READ BINARY EF_ICCID: %w", err)
	}
	return id, r.Data, nil
}
