-- :comment {{comment}}
USE `{{area}}`;
SELECT ':text', details:field, amount::int, '{{catalog}}'
FROM orders
WHERE day = :day AND amount > :least
  AND day < :day
