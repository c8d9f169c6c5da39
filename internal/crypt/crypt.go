// Package crypt holds the primitive ciphers that smart cards are spoken to with:
// DES and AES block modes, the two DES MACs, AES-CMAC and the 80-padding. No
// protocol knowledge lives here; host and virtual card may both use it.
package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/prf/subtle"
)

// Block sizes in bytes.
const (
	DESBlock = des.BlockSize
	AESBlock = aes.BlockSize
)

// ErrInput is wrapped by every refusal of a key or block length.
var ErrInput = errors.New("cipher input")

// TripleDES is 3DES under a key of 16 (K1 K2, used as K1 K2 K1) or 24 bytes.
func TripleDES(key []byte) (cipher.Block, error) {
	switch len(key) {
	case 16:
		key = append(append(make([]byte, 0, 24), key...), key[:8]...)
	case 24:
	default:
		return nil, fmt.Errorf("%w: 3DES key of %d bytes, want 16 or 24", ErrInput, len(key))
	}
	return des.NewTripleDESCipher(key)
}

// SingleDES is DES under the first 8 bytes of key.
func SingleDES(key []byte) (cipher.Block, error) {
	if len(key) < 8 {
		return nil, fmt.Errorf("%w: DES key of %d bytes", ErrInput, len(key))
	}
	return des.NewCipher(key[:8])
}

// AES is AES under a key of 16, 24 or 32 bytes.
func AES(key []byte) (cipher.Block, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("%w: AES key of %d bytes", ErrInput, len(key))
	}
	return b, nil
}

// EncryptCBC encrypts whole blocks under an IV of one block; nil is the zero IV.
func EncryptCBC(b cipher.Block, iv, data []byte) ([]byte, error) {
	iv, err := checkCBC(b, iv, data)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(data))
	cipher.NewCBCEncrypter(b, iv).CryptBlocks(out, data)
	return out, nil
}

// DecryptCBC reverses EncryptCBC.
func DecryptCBC(b cipher.Block, iv, data []byte) ([]byte, error) {
	iv, err := checkCBC(b, iv, data)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(data))
	cipher.NewCBCDecrypter(b, iv).CryptBlocks(out, data)
	return out, nil
}

func checkCBC(b cipher.Block, iv, data []byte) ([]byte, error) {
	if iv == nil {
		iv = make([]byte, b.BlockSize())
	}
	if len(iv) != b.BlockSize() || len(data)%b.BlockSize() != 0 {
		return nil, fmt.Errorf("%w: IV of %d and data of %d bytes for blocks of %d", ErrInput, len(iv), len(data), b.BlockSize())
	}
	return iv, nil
}

// EncryptECB encrypts whole blocks one by one.
func EncryptECB(b cipher.Block, data []byte) ([]byte, error) {
	n := b.BlockSize()
	if len(data)%n != 0 {
		return nil, fmt.Errorf("%w: %d bytes for blocks of %d", ErrInput, len(data), n)
	}
	out := make([]byte, len(data))
	for i := 0; i < len(data); i += n {
		b.Encrypt(out[i:], data[i:])
	}
	return out, nil
}

// DecryptECB reverses EncryptECB.
func DecryptECB(b cipher.Block, data []byte) ([]byte, error) {
	n := b.BlockSize()
	if len(data)%n != 0 {
		return nil, fmt.Errorf("%w: %d bytes for blocks of %d", ErrInput, len(data), n)
	}
	out := make([]byte, len(data))
	for i := 0; i < len(data); i += n {
		b.Decrypt(out[i:], data[i:])
	}
	return out, nil
}

// Pad80 appends 80 and then zeros up to the next multiple of block; it always appends
// (ISO/IEC 9797-1 method 2).
func Pad80(data []byte, block int) []byte {
	out := append(append(make([]byte, 0, len(data)+block), data...), 0x80)
	for len(out)%block != 0 {
		out = append(out, 0)
	}
	return out
}

// Unpad80 strips zeros back to the 80 that Pad80 put there, over more than one block if need be.
func Unpad80(data []byte) ([]byte, error) {
	for i := len(data) - 1; i >= 0; i-- {
		switch data[i] {
		case 0x00:
		case 0x80:
			return data[:i], nil
		default:
			return nil, fmt.Errorf("%w: padding", ErrInput)
		}
	}
	return nil, fmt.Errorf("%w: no padding", ErrInput)
}

// FullTripleDESMAC is the last block of 3DES-CBC over the padded data (GPCS 2.3.1
// clause B.1.2.1): 8 bytes. A nil iv is zero.
func FullTripleDESMAC(key, iv, data []byte) ([]byte, error) {
	b, err := TripleDES(key)
	if err != nil {
		return nil, err
	}
	out, err := EncryptCBC(b, iv, Pad80(data, DESBlock))
	if err != nil {
		return nil, err
	}
	return out[len(out)-DESBlock:], nil
}

// RetailMAC is single DES-CBC with the last block under 3DES (GPCS 2.3.1 clause
// B.1.2.2, ISO/IEC 9797-1 algorithm 3): 8 bytes. A nil iv is zero.
func RetailMAC(key, iv, data []byte) ([]byte, error) {
	single, err := SingleDES(key)
	if err != nil {
		return nil, err
	}
	triple, err := TripleDES(key)
	if err != nil {
		return nil, err
	}
	padded := Pad80(data, DESBlock)
	last := len(padded) - DESBlock
	chain := iv
	if last > 0 {
		out, err := EncryptCBC(single, iv, padded[:last])
		if err != nil {
			return nil, err
		}
		chain = out[last-DESBlock:]
	}
	return EncryptCBC(triple, chain, padded[last:])
}

// CMAC is AES-CMAC (NIST SP 800-38B, RFC 4493) under a key of 16, 24 or 32 bytes: 16 bytes.
func CMAC(key, data []byte) ([]byte, error) {
	p, err := subtle.NewAESCMACPRF(key)
	if err != nil {
		return nil, fmt.Errorf("%w: AES-CMAC key of %d bytes", ErrInput, len(key))
	}
	return p.ComputePRF(data, AESBlock)
}
