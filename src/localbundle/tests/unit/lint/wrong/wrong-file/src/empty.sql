-- SELECT 1
;
