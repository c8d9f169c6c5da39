package job

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/simbind/simbind/personalize/keys"
)

// Options of reading.
type Options struct {
	AllowTestIMEI bool   // accept IMEIs whose TAC begins with 00, whatever the job says
	AllowSameIMEI bool   // accept one full IMEI for several cards, whatever the job says
	Identity      string // age identity that opens an encrypted file of cards; empty: what the job says
}

// The files of a job folder.
const (
	settingsFile = "job.yaml"
	cardsFile    = "cards.csv"
)

// Load reads and validates a job: a folder with job.yaml, a YAML file, or a CSV file of cards alone. The error is *Faults
// when the content is at fault.
func Load(path string, opt Options) (*Job, error) {
	path, err := entry(path)
	if err != nil {
		return nil, err
	}
	j, err := loadSettings(path)
	if err != nil {
		return nil, err
	}
	j.AllowTestIMEI = j.AllowTestIMEI || opt.AllowTestIMEI
	j.AllowSameIMEI = j.AllowSameIMEI || opt.AllowSameIMEI
	if opt.Identity != "" {
		j.Keys.Identity = opt.Identity
	}
	if err := j.openCards(); err != nil {
		return nil, err
	}
	return j, nil
}

// entry is the file to begin with.
func entry(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("job: %w", err)
	}
	if info.IsDir() {
		return filepath.Join(path, settingsFile), nil
	}
	return path, nil
}

// readSettingsFile reads job.yaml, or a template, and of one that is too long so much that it shows.
func readSettingsFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSettings+1))
}

func isYAML(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return ext == ".yaml" || ext == ".yml"
}

// Read validates a file of cards alone, as Load does with one on the disk.
func Read(r io.Reader, name string, opt Options) (*Job, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxFile))
	if err != nil {
		return nil, fmt.Errorf("job %s: %w", name, err)
	}
	j := newJob(name)
	j.AllowTestIMEI, j.AllowSameIMEI = opt.AllowTestIMEI, opt.AllowSameIMEI
	if err := j.take(b, name); err != nil {
		return nil, err
	}
	return j, nil
}

func newJob(path string) *Job {
	j := &Job{Settings: Settings{Cards: path, Folder: filepath.Dir(path), FailuresInARow: DefaultFailuresInARow, Attempts: DefaultAttempts}}
	j.Name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	j.table.base = base()
	return j
}

// openCards reads the file of cards. One that has columns of keys or codes must be private.
func (j *Job) openCards() error {
	f, err := os.Open(j.Cards)
	if err != nil {
		return fmt.Errorf("job: %w", err)
	}
	defer f.Close()
	b, encrypted, err := keys.ReadFile(f, j.Cards, j.Keys.Identity, maxFile)
	if err != nil {
		return err
	}
	j.Form.Encrypted = encrypted
	if err := j.take(b, j.Cards); err != nil {
		return err
	}
	if !j.Form.Secrets {
		return nil
	}
	if err := keys.CheckPrivate(f); err != nil && !encrypted {
		return oneFault(Fault{File: j.Cards, Line: 1, Column: 1, Reason: "it has columns of keys or codes, and " + err.Error(), Remedy: "chmod 600 it, or encrypt it with age"})
	}
	return j.ownKeys()
}

// ownKeys: columns of keys make the file of cards the key source, unless there is another.
func (j *Job) ownKeys() error {
	if j.Keys.File != "" || j.Keys.Token != nil {
		return oneFault(Fault{File: j.Cards, Line: 1, Column: 1, Reason: "it has columns of keys or codes, and the job names another key source", Remedy: "keep them in one place"})
	}
	j.Keys.File = j.Cards
	return nil
}

// take validates the content; after a fault nothing of it is kept.
func (j *Job) take(b []byte, name string) error {
	err := j.readCards(b, name)
	if err != nil {
		clear(b)
	}
	return err
}

// resolve makes a path of the settings relative to their folder.
func (j *Job) resolve(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(j.Folder, path)
}

// loadSettings reads the YAML, if there is one.
func loadSettings(path string) (*Job, error) {
	j := newJob(path)
	if !isYAML(path) {
		return j, nil
	}
	j.Cards = filepath.Join(j.Folder, cardsFile)
	if filepath.Base(path) == settingsFile { // the folder gives the name
		if whole, err := filepath.Abs(j.Folder); err == nil {
			j.Name = filepath.Base(whole)
		}
	}
	b, err := readSettingsFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && filepath.Base(path) == settingsFile:
		return nil, oneFault(Fault{File: path, Line: 1, Column: 1, Reason: "the folder has no " + settingsFile, Remedy: "a job is a folder with job.yaml and cards.csv, a YAML file, or a CSV file"})
	case err != nil:
		return nil, fmt.Errorf("job: %w", err)
	}
	return j, j.readSettings(b, path)
}
