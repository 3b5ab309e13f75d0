-- The same table of moves. `NOT IN` with texts fills a table of its own for each row that moves; a text does not.
DROP TRIGGER recipient_moves;

CREATE TRIGGER recipient_moves BEFORE UPDATE OF state ON recipient
WHEN instr(
  '|waiting>claimed|waiting>held|waiting>parked|waiting>gone' ||
  '|claimed>waiting|claimed>unconfirmed|claimed>held|claimed>parked|claimed>gone' ||
  '|unconfirmed>claimed|unconfirmed>waiting|unconfirmed>held|unconfirmed>parked|unconfirmed>gone' ||
  '|held>waiting|held>parked|held>gone' ||
  '|parked>waiting|parked>gone|',
  '|' || old.state || '>' || new.state || '|'
) = 0
BEGIN
  SELECT RAISE(ABORT, 'illegal move');
END;
