-- What operators change while the platform runs. Every version is kept; the highest one of a name is in force.
CREATE TABLE operator_document (
    name       TEXT   NOT NULL,
    version    BIGINT NOT NULL CHECK (version > 0),
    body       TEXT   NOT NULL,
    written    BIGINT NOT NULL,
    written_by TEXT   NOT NULL,
    PRIMARY KEY (name, version)
);
