//go:build pkcs11 && cgo && !windows

package keys

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/pkcs11"

	"github.com/simbind/simbind/gp"
)

// modules are the libraries that are in use: each is initialized once in a program.
var modules = struct {
	sync.Mutex
	byPath map[string]*module
}{byPath: map[string]*module{}}

type module struct {
	*pkcs11.Ctx
	path string
	uses int
}

func openModule(path, label string) (*module, error) {
	modules.Lock()
	defer modules.Unlock()
	if m := modules.byPath[path]; m != nil {
		m.uses++
		return m, nil
	}
	m := &module{Ctx: pkcs11.New(path), path: path, uses: 1}
	if m.Ctx == nil {
		return nil, &TokenError{Label: label, Step: "module", Reason: path + " cannot be loaded"}
	}
	if err := m.Initialize(); err != nil {
		m.Destroy()
		return nil, &TokenError{Label: label, Step: "C_Initialize", Err: err}
	}
	modules.byPath[path] = m
	return m, nil
}

func (m *module) close() error {
	modules.Lock()
	defer modules.Unlock()
	if m.uses--; m.uses > 0 {
		return nil
	}
	delete(modules.byPath, m.path)
	err := m.Finalize()
	m.Destroy()
	return err
}

// tokenSource is an open token, logged in. Every card gets a session of its own, so that several can be at work.
type tokenSource struct {
	token *Token
	lib   *module
	slot  uint
	login pkcs11.SessionHandle
}

// OpenToken opens a PKCS#11 token and logs in, once: a token whose next wrong PIN would be the last is left alone. ask gives
// the PIN where no file does. *TokenError.
func OpenToken(t *Token, ask func() (string, error)) (Source, error) {
	lib, err := openModule(t.Module, t.Label)
	if err != nil {
		return nil, err
	}
	s := &tokenSource{token: t, lib: lib}
	if err := s.open(ask); err != nil {
		return nil, errors.Join(err, lib.close())
	}
	return s, nil
}

func (s *tokenSource) fail(step, reason string, err error) error {
	return &TokenError{Label: s.token.Label, Step: step, Reason: reason, Err: err}
}

func (s *tokenSource) open(ask func() (string, error)) error {
	flags, err := s.find()
	if err != nil {
		return err
	}
	if err := s.mayTry(flags); err != nil {
		return err
	}
	if s.login, err = s.lib.OpenSession(s.slot, pkcs11.CKF_SERIAL_SESSION); err != nil {
		return s.fail("C_OpenSession", "", err)
	}
	pin, err := s.token.pin(ask)
	if err == nil {
		err = s.logIn(pin)
	}
	if err != nil {
		return errors.Join(err, s.lib.CloseSession(s.login))
	}
	return nil
}

// mayTry looks at what the token says of its PIN before one is tried.
func (s *tokenSource) mayTry(flags uint) error {
	switch {
	case flags&pkcs11.CKF_USER_PIN_LOCKED != 0:
		return s.fail("C_Login", "its PIN is locked", nil)
	case flags&pkcs11.CKF_USER_PIN_FINAL_TRY != 0:
		return s.fail("C_Login", "one try is left for its PIN, and it is not made", nil)
	}
	return nil
}

func (s *tokenSource) logIn(pin string) error {
	switch err := s.lib.Login(s.login, pkcs11.CKU_USER, pin); {
	case err == nil, errors.Is(err, pkcs11.Error(pkcs11.CKR_USER_ALREADY_LOGGED_IN)): // by another source on the same token
		return nil
	case errors.Is(err, pkcs11.Error(pkcs11.CKR_PIN_INCORRECT)):
		return s.fail("C_Login", "wrong PIN; it is not tried again", err)
	default:
		return s.fail("C_Login", "", err)
	}
}

// find looks for the token by its label, of which there must be one.
func (s *tokenSource) find() (flags uint, err error) {
	slots, err := s.lib.GetSlotList(true)
	if err != nil {
		return 0, s.fail("C_GetSlotList", "", err)
	}
	found := 0
	var unread error
	for _, slot := range slots {
		info, err := s.lib.GetTokenInfo(slot)
		if err != nil {
			unread = err
			continue
		}
		if strings.TrimRight(info.Label, " \x00") != s.token.Label {
			continue
		}
		found++
		s.slot, flags = slot, info.Flags
	}
	if found == 0 && unread != nil {
		return 0, s.fail("C_GetTokenInfo", "", unread)
	}
	if found != 1 {
		return 0, s.fail("C_GetSlotList", fmt.Sprintf("%d tokens of this label, one is needed", found), nil)
	}
	return flags, nil
}

// Card looks that the masters are there. They are used when the card has answered its diversification data.
func (s *tokenSource) Card(iccid, name string) (Card, error) {
	labels, err := s.token.labels(name)
	if err != nil {
		return Card{}, err
	}
	h := &holder{source: s, labels: labels}
	if err := h.look(); err != nil {
		return Card{}, err
	}
	return Card{ICCID: iccid, Keys: gp.KeySet{KVN: s.token.KVN, Holder: h}}, nil
}

// Close logs out, where no other source uses the token.
func (s *tokenSource) Close() error {
	return errors.Join(s.lib.CloseSession(s.login), s.lib.close())
}

// object finds the secret key of a label, of which there must be one.
func (s *tokenSource) object(h pkcs11.SessionHandle, label string) (pkcs11.ObjectHandle, error) {
	template := []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY), pkcs11.NewAttribute(pkcs11.CKA_LABEL, label)}
	if err := s.lib.FindObjectsInit(h, template); err != nil {
		return 0, s.fail("C_FindObjects", "", err)
	}
	found, _, err := s.lib.FindObjects(h, 2)
	if err := errors.Join(err, s.lib.FindObjectsFinal(h)); err != nil {
		return 0, s.fail("C_FindObjects", "", err)
	}
	switch len(found) {
	case 0:
		if !s.loggedIn(h) {
			return 0, s.fail("C_FindObjects", "it is not logged in any more: pulled, or reset by another program; begin anew", nil)
		}
		return 0, &absent{fmt.Sprintf("token %q has no secret key %q", s.token.Label, label)}
	case 1:
		return found[0], nil
	}
	return 0, s.fail("C_FindObjects", fmt.Sprintf("several secret keys are called %q", label), nil)
}

// loggedIn tells whether a session sees private objects. A token that was away does not, and none of its keys is missing.
func (s *tokenSource) loggedIn(h pkcs11.SessionHandle) bool {
	info, err := s.lib.GetSessionInfo(h)
	return err == nil && (info.State == pkcs11.CKS_RO_USER_FUNCTIONS || info.State == pkcs11.CKS_RW_USER_FUNCTIONS)
}

// master is a key in the token, and how long it is.
type master struct {
	handle pkcs11.ObjectHandle
	size   int
}

var sizes = map[uint]int{pkcs11.CKK_DES2: 16, pkcs11.CKK_DES3: 24}

// master finds one, and wants the kind of key that the derivation works with.
func (s *tokenSource) master(h pkcs11.SessionHandle, label string) (m master, err error) {
	if m.handle, err = s.object(h, label); err != nil {
		return m, err
	}
	kind, err := s.number(h, m.handle, pkcs11.CKA_KEY_TYPE)
	if err != nil {
		return m, err
	}
	aes := s.token.Diversification == gp.KDF3
	if aes != (kind == pkcs11.CKK_AES) || !aes && sizes[kind] == 0 {
		return m, s.fail("key "+label, fmt.Sprintf("%s derives with %s keys, and this is none", s.token.Diversification, map[bool]string{true: "AES", false: "triple DES"}[aes]), nil)
	}
	if err := s.permitted(h, m.handle, label, aes); err != nil {
		return m, err
	}
	m.size = sizes[kind]
	if aes {
		size, err := s.number(h, m.handle, pkcs11.CKA_VALUE_LEN)
		if err != nil {
			return m, err
		}
		m.size = int(size)
		return m, s.aesLength(label, size)
	}
	return m, nil
}

// aesLength bounds what a token says of a key: as many blocks are derived.
func (s *tokenSource) aesLength(label string, size uint) error {
	if size == 16 || size == 24 || size == 32 {
		return nil
	}
	return s.fail("key "+label, fmt.Sprintf("an AES key has 16, 24 or 32 bytes, and this one is said to have %d", size), nil)
}

// permitted wants of a master what the derivation does with it, before it is asked for.
func (s *tokenSource) permitted(h pkcs11.SessionHandle, o pkcs11.ObjectHandle, label string, aes bool) error {
	for _, x := range []struct {
		needed    bool
		attribute uint
		name      string
	}{{true, pkcs11.CKA_DERIVE, "CKA_DERIVE"}, {aes, pkcs11.CKA_ENCRYPT, "CKA_ENCRYPT"}} {
		set, err := s.number(h, o, x.attribute) // a CK_BBOOL is one byte
		if err != nil {
			return err
		}
		if x.needed && set == 0 {
			return s.fail("key "+label, fmt.Sprintf("%s is not set, which %s needs", x.name, s.token.Diversification), nil)
		}
	}
	return nil
}

// number reads an attribute that is a number or a truth.
func (s *tokenSource) number(h pkcs11.SessionHandle, o pkcs11.ObjectHandle, attribute uint) (uint, error) {
	a, err := s.lib.GetAttributeValue(h, o, []*pkcs11.Attribute{pkcs11.NewAttribute(attribute, nil)})
	if err != nil || len(a) != 1 {
		return 0, s.fail("C_GetAttributeValue", "", errors.Join(err))
	}
	var n uint
	for _, b := range slices.Backward(a[0].Value) { // little-endian, as every machine this is built for
		n = n<<8 | uint(b)
	}
	return n, nil
}
