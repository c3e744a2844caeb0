-- What a SQL warehouse runs and Spark does not.
SELECT 1;

CREATE OR REFRESH
  -- daily
  STREAMING TABLE orders AS SELECT 1;
COPY INTO t FROM '/Volumes/a/b/c' FILEFORMAT = CSV;
GRANT SELECT ON TABLE t TO `users`;
ALTER TABLE t SET TAGS ('a' = 'b')
