package apdu

import "fmt"

// MaxChannel is the highest logical channel (ISO/IEC 7816-4 clause 5.4.1).
const MaxChannel = 19

// WithChannel returns cla (a class of channel 0: 0X or 8X, b7 clear) on logical channel ch.
//
// Channels 0 to 3 stand in b2b1, with secure messaging in b4b3; channels 4 to 19
// as 4X (interindustry) or CX (8X commands), with secure messaging in b6 (TS 102 221 clause 10.1.1).
func WithChannel(cla byte, ch int) (byte, error) {
	if ch < 0 || ch > MaxChannel {
		return 0, fmt.Errorf("%w: logical channel %d, 0 to %d exist", ErrMalformed, ch, MaxChannel)
	}
	base := BaseClass(cla)
	if base&0xE0 == 0xA0 {
		if ch != 0 {
			return 0, fmt.Errorf("%w: class %02X has no logical channel %d", ErrMalformed, cla, ch)
		}
		return cla, nil
	}
	secure := SecureMessaging(cla)
	if ch < 4 {
		return base | secureBits(cla) | byte(ch), nil
	}
	base |= 0x40
	if secure {
		base |= 0x20
	}
	return base | byte(ch-4), nil
}

// secureBits is b4b3 of a class on channels 0 to 3. A class of channels 4 to 19 has but one bit for it, which
// stands for the form GlobalPlatform uses (04, GPCS clause 11.1.4).
func secureBits(cla byte) byte {
	switch {
	case !SecureMessaging(cla):
		return 0
	case cla&0x40 != 0:
		return 0x04
	}
	return cla & 0x0C
}

// Channel is the logical channel a class byte names, 0 to 19.
func Channel(cla byte) int {
	if cla&0x40 != 0 {
		return 4 + int(cla&0x0F)
	}
	return int(cla & 0x03)
}

// BaseClass is the class without channel and secure messaging: 00, 10 (chaining), 80, 90, A0 …
func BaseClass(cla byte) byte {
	if cla&0x40 != 0 {
		return cla & 0x90
	}
	if cla&0xE0 == 0xA0 { // classic SIM (TS 51.011): A0 carries no channel
		return cla
	}
	return cla & 0xF0
}

// SecureMessaging tells whether the class byte announces secure messaging.
func SecureMessaging(cla byte) bool {
	if cla&0x40 != 0 {
		return cla&0x20 != 0
	}
	return cla&0xE0 != 0xA0 && cla&0x0C != 0
}
