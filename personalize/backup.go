package personalize

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"
	"github.com/google/renameio/v2/maybe"

	"github.com/simbind/simbind/uicc/usim"
)

// Places where a copy of EF_IMSI may stand.
const (
	PlaceUSIM = "ADF.USIM/6F07"
	PlaceGSM  = "MF/7F20/6F07"
)

// Backup is everything needed to give a subscriber his EF_IMSI back, and what helps to understand the
// card later. Bytes are upper-case hex.
type Backup struct {
	Schema     string       `json:"schema"`  // "simbind/backup"
	Version    int          `json:"version"` // 1
	Tool       string       `json:"tool"`
	Time       time.Time    `json:"time"`
	Reader     string       `json:"reader"`
	ATR        string       `json:"atr"`
	ICCID      string       `json:"iccid"` // digits
	EFICCID    string       `json:"ef_iccid"`
	USIM       string       `json:"usim_aid,omitempty"`
	Copies     []BackupCopy `json:"copies"`
	AD         string       `json:"ef_ad,omitempty"`
	UST        string       `json:"ef_ust,omitempty"`
	Location   []BackupFile `json:"location,omitempty"` // diagnosis only, never restored
	Applet     *BackupState `json:"applet,omitempty"`
	Generation uint16       `json:"generation"`
	Digest     string       `json:"digest"` // SHA-256 over this object with digest empty
}

// BackupCopy is one copy of EF_IMSI.
type BackupCopy struct {
	Place     string `json:"place"`
	Content   string `json:"content"`             // 9 bytes
	FCP       string `json:"fcp,omitempty"`       // template 62
	FileState string `json:"file_state"`          // activated, deactivated …
	LinkedTo  string `json:"linked_to,omitempty"` // path of the file this one is physically
	From      string `json:"from"`                // "file", or "applet" when the applet's backup was taken
}

// BackupFile is the raw content of one more file.
type BackupFile struct {
	Name    string `json:"name"`
	Content string `json:"content"`
}

// BackupState is what the applet said.
type BackupState struct {
	AID           string `json:"aid"`
	Version       string `json:"version"`
	State         string `json:"state"`                   // E1 template
	Configuration string `json:"configuration,omitempty"` // E0 template
}

const backupSchema = "simbind/backup"

// ErrBackup is wrapped by everything that makes a backup file unusable.
var ErrBackup = errors.New("backup file")

// ErrBackupEncrypted is a backup that an age identity opens, when none was given.
var ErrBackupEncrypted = fmt.Errorf("%w: encrypted with age, and no identity was given", ErrBackup)

// digest is over the JSON form with the digest field empty.
func (b Backup) digest() (string, error) {
	b.Digest = ""
	raw, err := json.Marshal(b)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), nil
}

// SaveBackup writes the backup durably, encrypted when there are recipients, and reads it back from the disk
// before it returns the file's name: the ICCID shortened, because names are printed, and the time.
func (s *Store) SaveBackup(b Backup, recipients ...age.Recipient) (string, error) {
	if !digits.MatchString(b.ICCID) {
		return "", fmt.Errorf("%w: ICCID of %d characters", ErrBackup, len(b.ICCID))
	}
	name := b.ICCID[:min(6, len(b.ICCID))] + "-" + b.ICCID[len(b.ICCID)-4:] + "-" + b.Time.UTC().Format("20060102T150405.000000000Z") + ".json"
	if len(recipients) > 0 {
		name += ".age"
	}
	path := filepath.Join(s.backups, name)
	return path, WriteBackup(path, b, recipients...)
}

// WriteBackup writes one backup file durably, with its digest. A file that is there is never replaced: it may be
// the only copy of somebody's EF_IMSI.
func WriteBackup(path string, b Backup, recipients ...age.Recipient) error {
	_, err := os.Lstat(path)
	if err == nil {
		return fmt.Errorf("%w: %s is there already, and a backup never replaces another", ErrBackup, path)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrBackup, err)
	}
	b.Schema, b.Version = backupSchema, 1
	if b.Digest, err = b.digest(); err != nil {
		return err
	}
	raw, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	out := append(raw, '\n')
	if len(recipients) > 0 {
		if out, err = encrypt(out, recipients); err != nil {
			return fmt.Errorf("%w: %w", ErrBackup, err)
		}
	}
	if err := maybe.WriteFile(path, out, 0o600); err != nil {
		return fmt.Errorf("%w: %w", ErrBackup, err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("%w: %w", ErrBackup, err)
	}
	onDisk, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(onDisk, out) {
		return fmt.Errorf("%w: %s does not read back as written", ErrBackup, path)
	}
	return nil
}

func encrypt(plain []byte, recipients []age.Recipient) ([]byte, error) {
	var buf bytes.Buffer
	w, err := age.Encrypt(&buf, recipients...)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

const maxBackup = 1 << 20

// LoadBackup reads a backup file and checks its digest and every copy in it; identities open an encrypted one.
func LoadBackup(path string, identities ...age.Identity) (Backup, error) {
	f, err := os.Open(path)
	if err != nil {
		return Backup{}, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxBackup))
	if err != nil {
		return Backup{}, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	return ParseBackup(raw, identities...)
}

// ParseBackup is LoadBackup on bytes.
func ParseBackup(raw []byte, identities ...age.Identity) (Backup, error) {
	if bytes.HasPrefix(raw, []byte("age-encryption.org/")) {
		if len(identities) == 0 {
			return Backup{}, ErrBackupEncrypted
		}
		r, err := age.Decrypt(bytes.NewReader(raw), identities...)
		if err != nil {
			return Backup{}, fmt.Errorf("%w: the identity does not open it", ErrBackup)
		}
		if raw, err = io.ReadAll(io.LimitReader(r, maxBackup)); err != nil {
			return Backup{}, fmt.Errorf("%w: damaged", ErrBackup)
		}
	}
	var b Backup
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&b); err != nil {
		return Backup{}, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	return b, b.check()
}

func (b Backup) check() error {
	if b.Schema != backupSchema || b.Version != 1 {
		return fmt.Errorf("%w: schema %q version %d, want %q version 1", ErrBackup, b.Schema, b.Version, backupSchema)
	}
	want, err := b.digest()
	if err != nil {
		return err
	}
	if b.Digest != want {
		return fmt.Errorf("%w: digest differs, the file was changed or damaged", ErrBackup)
	}
	if len(b.Copies) == 0 {
		return fmt.Errorf("%w: no copy of EF_IMSI in it", ErrBackup)
	}
	for _, c := range b.Copies {
		if _, err := c.Bytes(); err != nil {
			return err
		}
	}
	return nil
}

// Bytes is the content, 9 bytes and plausible.
func (c BackupCopy) Bytes() ([9]byte, error) {
	var out [9]byte
	raw, err := hex.DecodeString(c.Content)
	if err != nil || len(raw) != len(out) {
		return out, fmt.Errorf("%w: %s: content is not 9 bytes", ErrBackup, c.Place)
	}
	copy(out[:], raw)
	if err := usim.Plausible(out); err != nil {
		return out, fmt.Errorf("%w: %s: %w", ErrBackup, c.Place, err)
	}
	return out, nil
}
