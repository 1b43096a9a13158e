-- The tables that these examples read. In an empty PostgreSQL database: psql -f examples/modes/tables.sql
CREATE TABLE countries (code text PRIMARY KEY, name text NOT NULL);
CREATE TABLE prices (product bigint PRIMARY KEY, amount numeric(12,2) NOT NULL, updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE visits (id bigserial PRIMARY KEY, page text NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE orders (id bigserial PRIMARY KEY, total numeric(12,2) NOT NULL, updated_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON prices (updated_at, product);
CREATE INDEX ON orders (updated_at, id);

INSERT INTO countries VALUES ('FR', 'France'), ('IT', 'Italy'), ('PL', 'Poland');
INSERT INTO prices (product, amount, updated_at) SELECT n, n * 1.25, now() - interval '1 hour' FROM generate_series(1, 100) n;
INSERT INTO visits (page, at) SELECT '/' || n, now() - interval '1 hour' FROM generate_series(1, 1000) n;
INSERT INTO orders (total, updated_at) SELECT n, now() - interval '1 hour' FROM generate_series(1, 1000) n;
