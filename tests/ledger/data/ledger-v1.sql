BEGIN TRANSACTION;
CREATE TABLE attempts (
	id INTEGER NOT NULL, 
	seller TEXT NOT NULL, 
	number TEXT NOT NULL, 
	person TEXT, 
	valid_at BIGINT NOT NULL, 
	known_at BIGINT NOT NULL, 
	supersedes INTEGER, 
	void SMALLINT NOT NULL, 
	channel TEXT, 
	purpose TEXT, 
	subject TEXT, 
	voice TEXT, 
	outcome TEXT, 
	debt TEXT, 
	from_number TEXT, 
	reference TEXT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(supersedes) REFERENCES attempts (id)
);
INSERT INTO "attempts" VALUES(1,'acme','+13055550100',NULL,1699740800000000,1700000000000000,NULL,0,'voice',NULL,NULL,NULL,NULL,NULL,NULL,'r-1');
CREATE TABLE consents (
	id INTEGER NOT NULL, 
	seller TEXT NOT NULL, 
	number TEXT NOT NULL, 
	person TEXT, 
	valid_at BIGINT NOT NULL, 
	known_at BIGINT NOT NULL, 
	supersedes INTEGER, 
	void SMALLINT NOT NULL, 
	level TEXT, 
	form TEXT, 
	covers TEXT, 
	obtained_at BIGINT, 
	requested_at BIGINT, 
	expires_at BIGINT, 
	channels TEXT, 
	reference TEXT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(supersedes) REFERENCES consents (id)
);
INSERT INTO "consents" VALUES(1,'acme','+13055550100',NULL,1699222400000000,1700000000000000,NULL,0,'express',NULL,NULL,1699222400000000,NULL,NULL,'["sms"]','form 7');
INSERT INTO "consents" VALUES(2,'acme','+13055550100',NULL,1699222400000000,1700000000000001,1,0,'express_written','["agreement"]',NULL,1699222400000000,NULL,NULL,NULL,NULL);
INSERT INTO "consents" VALUES(3,'other','+13055550101',NULL,1700000000000000,1700000000000000,NULL,0,'express',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE contacts (
	id INTEGER NOT NULL, 
	seller TEXT NOT NULL, 
	number TEXT NOT NULL, 
	person TEXT, 
	valid_at BIGINT NOT NULL, 
	known_at BIGINT NOT NULL, 
	supersedes INTEGER, 
	void SMALLINT NOT NULL, 
	agreed_hours TEXT, 
	inconvenient TEXT, 
	at_work SMALLINT, 
	employer_forbids SMALLINT, 
	attorney SMALLINT, 
	ceased_at BIGINT, 
	last_inbound_at BIGINT, 
	conversation_at BIGINT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(supersedes) REFERENCES contacts (id)
);
INSERT INTO "contacts" VALUES(1,'acme','+13055550100',NULL,1700000000000000,1700000000000000,NULL,0,NULL,'["x"]',NULL,NULL,1,NULL,NULL,NULL);
CREATE TABLE declarations (
	id INTEGER NOT NULL, 
	seller TEXT NOT NULL, 
	since BIGINT, 
	valid_at BIGINT NOT NULL, 
	known_at BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "declarations" VALUES(1,'acme',1698272000000000,1698272000000000,1700000000000000);
CREATE TABLE internal_dnc (
	id INTEGER NOT NULL, 
	seller TEXT NOT NULL, 
	number TEXT NOT NULL, 
	person TEXT, 
	valid_at BIGINT NOT NULL, 
	known_at BIGINT NOT NULL, 
	supersedes INTEGER, 
	void SMALLINT NOT NULL, 
	action TEXT, 
	scope TEXT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(supersedes) REFERENCES internal_dnc (id)
);
INSERT INTO "internal_dnc" VALUES(1,'acme','+13055550101',NULL,1699913600000000,1700000000000000,NULL,0,'add',NULL);
INSERT INTO "internal_dnc" VALUES(2,'acme','+13055550101',NULL,1699913600000000,1700000000000002,1,1,'add',NULL);
CREATE TABLE outcomes (
	id INTEGER NOT NULL, 
	seller TEXT NOT NULL, 
	attempt_id INTEGER NOT NULL, 
	outcome TEXT NOT NULL, 
	valid_at BIGINT NOT NULL, 
	known_at BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(attempt_id) REFERENCES attempts (id)
);
INSERT INTO "outcomes" VALUES(1,'acme',1,'conversation',1699740800000001,1700000000000000);
CREATE TABLE relationships (
	id INTEGER NOT NULL, 
	seller TEXT NOT NULL, 
	number TEXT NOT NULL, 
	person TEXT, 
	valid_at BIGINT NOT NULL, 
	known_at BIGINT NOT NULL, 
	supersedes INTEGER, 
	void SMALLINT NOT NULL, 
	last_transaction_at BIGINT, 
	last_inquiry_at BIGINT, 
	ended_at BIGINT, 
	donor_at BIGINT, 
	"current" SMALLINT, 
	open_contract SMALLINT, 
	member SMALLINT, 
	personal SMALLINT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(supersedes) REFERENCES relationships (id)
);
INSERT INTO "relationships" VALUES(1,'acme','+13055550101','p',1700000000000000,1700000000000000,NULL,0,1699827200000000,NULL,NULL,NULL,1,NULL,NULL,NULL);
CREATE TABLE revocations (
	id INTEGER NOT NULL, 
	seller TEXT NOT NULL, 
	number TEXT NOT NULL, 
	person TEXT, 
	valid_at BIGINT NOT NULL, 
	known_at BIGINT NOT NULL, 
	supersedes INTEGER, 
	void SMALLINT NOT NULL, 
	scope TEXT, 
	subject TEXT, 
	channel TEXT, 
	means TEXT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(supersedes) REFERENCES revocations (id)
);
INSERT INTO "revocations" VALUES(1,'acme','+13055550100','p',1699913600000000,1700000000000000,NULL,0,'all',NULL,NULL,'spoken');
CREATE TABLE schema_version (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "schema_version" VALUES(1);
CREATE INDEX consents_by_number ON consents (seller, number, valid_at);
CREATE UNIQUE INDEX consents_replaced ON consents (supersedes) WHERE supersedes IS NOT NULL;
CREATE INDEX consents_by_person ON consents (seller, person, number) WHERE person IS NOT NULL;
CREATE INDEX revocations_by_person ON revocations (seller, person, number) WHERE person IS NOT NULL;
CREATE UNIQUE INDEX revocations_replaced ON revocations (supersedes) WHERE supersedes IS NOT NULL;
CREATE INDEX revocations_by_number ON revocations (seller, number, valid_at);
CREATE UNIQUE INDEX relationships_replaced ON relationships (supersedes) WHERE supersedes IS NOT NULL;
CREATE INDEX relationships_by_person ON relationships (seller, person, number) WHERE person IS NOT NULL;
CREATE INDEX relationships_by_number ON relationships (seller, number, valid_at);
CREATE UNIQUE INDEX internal_dnc_replaced ON internal_dnc (supersedes) WHERE supersedes IS NOT NULL;
CREATE INDEX internal_dnc_by_person ON internal_dnc (seller, person, number) WHERE person IS NOT NULL;
CREATE INDEX internal_dnc_by_number ON internal_dnc (seller, number, valid_at);
CREATE INDEX contacts_by_person ON contacts (seller, person, number) WHERE person IS NOT NULL;
CREATE INDEX contacts_by_number ON contacts (seller, number, valid_at);
CREATE UNIQUE INDEX contacts_replaced ON contacts (supersedes) WHERE supersedes IS NOT NULL;
CREATE UNIQUE INDEX attempts_replaced ON attempts (supersedes) WHERE supersedes IS NOT NULL;
CREATE INDEX attempts_by_person ON attempts (seller, person, number) WHERE person IS NOT NULL;
CREATE INDEX attempts_by_reference ON attempts (seller, reference) WHERE reference IS NOT NULL;
CREATE INDEX attempts_by_number ON attempts (seller, number, valid_at);
CREATE INDEX declarations_by_seller ON declarations (seller, known_at);
CREATE INDEX ix_outcomes_attempt_id ON outcomes (attempt_id);
CREATE TRIGGER attempts_no_update BEFORE UPDATE ON attempts BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER attempts_no_delete BEFORE DELETE ON attempts BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER consents_no_update BEFORE UPDATE ON consents BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER consents_no_delete BEFORE DELETE ON consents BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER contacts_no_update BEFORE UPDATE ON contacts BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER contacts_no_delete BEFORE DELETE ON contacts BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER declarations_no_update BEFORE UPDATE ON declarations BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER declarations_no_delete BEFORE DELETE ON declarations BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER internal_dnc_no_update BEFORE UPDATE ON internal_dnc BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER internal_dnc_no_delete BEFORE DELETE ON internal_dnc BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER relationships_no_update BEFORE UPDATE ON relationships BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER relationships_no_delete BEFORE DELETE ON relationships BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER revocations_no_update BEFORE UPDATE ON revocations BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER revocations_no_delete BEFORE DELETE ON revocations BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER schema_version_no_update BEFORE UPDATE ON schema_version BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER schema_version_no_delete BEFORE DELETE ON schema_version BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER outcomes_no_update BEFORE UPDATE ON outcomes BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER outcomes_no_delete BEFORE DELETE ON outcomes BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
COMMIT;
