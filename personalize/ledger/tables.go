package ledger

// version of the tables, kept in the head row.
const version = 1

// tables, in what both databases understand. Times are microseconds since 1970, UTC; flags are 0 or 1.
//
// claims_once is the last guard of "each card once": whatever the code above it does, no card has two claims that hold it.
var tables = []string{
	`CREATE TABLE head (
		one INTEGER PRIMARY KEY CHECK (one = 1),
		version INTEGER NOT NULL,
		ledger TEXT NOT NULL,
		salt TEXT NOT NULL,
		seq BIGINT NOT NULL,
		hash TEXT NOT NULL)`,
	`CREATE TABLE records (
		seq BIGINT PRIMARY KEY,
		id TEXT NOT NULL UNIQUE,
		kind TEXT NOT NULL,
		job TEXT NOT NULL,
		card TEXT NOT NULL,
		hash TEXT NOT NULL,
		body TEXT NOT NULL,
		note TEXT)`,
	`CREATE INDEX records_job ON records (job, kind, seq)`,
	`CREATE INDEX records_card ON records (card, seq)`,
	`CREATE TABLE jobs (
		digest TEXT PRIMARY KEY,
		name TEXT NOT NULL,
		ordered BIGINT NOT NULL,
		list TEXT NOT NULL,
		dual INTEGER NOT NULL,
		approvers TEXT NOT NULL,
		sealed INTEGER NOT NULL,
		registered BIGINT NOT NULL)`,
	`CREATE TABLE orders (
		job TEXT NOT NULL REFERENCES jobs (digest),
		position BIGINT NOT NULL,
		card TEXT NOT NULL,
		iccid TEXT,
		PRIMARY KEY (job, card))`,
	`CREATE INDEX orders_position ON orders (job, position)`,
	`CREATE INDEX orders_card ON orders (card)`,
	`CREATE TABLE cards (
		card TEXT PRIMARY KEY,
		iccid TEXT,
		salt TEXT)`,
	`CREATE TABLE claims (
		id TEXT PRIMARY KEY,
		job TEXT NOT NULL REFERENCES jobs (digest),
		card TEXT NOT NULL REFERENCES cards (card),
		token TEXT NOT NULL,
		station TEXT NOT NULL,
		operator TEXT NOT NULL,
		reader TEXT NOT NULL,
		tool TEXT NOT NULL,
		outcome TEXT NOT NULL,
		code TEXT NOT NULL,
		note TEXT,
		holds INTEGER NOT NULL,
		latest INTEGER NOT NULL,
		claimed BIGINT NOT NULL,
		lease BIGINT NOT NULL,
		concluded BIGINT NOT NULL)`,
	`CREATE UNIQUE INDEX claims_once ON claims (card) WHERE holds = 1`,
	`CREATE UNIQUE INDEX claims_latest ON claims (job, card) WHERE latest = 1`,
	`CREATE INDEX claims_outcome ON claims (outcome, job)`,
}
