-- A year of a large company, as tests/bench/history.py runs it. n has the numbers from 0 on; {at:s} is the moment of
-- row i of :s that are spread evenly over the year until now, {ms:s} the same in milliseconds; {moment:hour} is :hour
-- as a moment, {padded} the number i in eight digits, so that indexes grow at their end; {whose} is the customer of a
-- purchase; {account:bank} an account of the company. Real companies have more sales for each customer: these are as
-- many as ten million messages carry. CROSS JOIN keeps SQLite, which knows no sizes here, to the order of the tables.

-- Places and agents. Those that the demo has keep their numbers.

INSERT INTO minigrid (id, name)
  SELECT :grid0 + i, 'Grid ' || i
  FROM n
  WHERE i < :grids;

INSERT INTO village (id, name, mini_grid_id)
  SELECT :village0 + i, 'Village ' || i, :grid0 + i / :villages
  FROM n
  WHERE i < :grids * :villages;

INSERT INTO agent (id, phone, name, language, mini_grid_id, pin_hash, wrong_pins, cash_limit, commission)
  SELECT :agent0 + i, '+25574' || substr('0000000' || i, -7), 'Wakala N' || i, 'sw', :grid0 +
      i * :grids / :a, pin_hash, 0, 50000000, 1000
  FROM agent, n
  WHERE phone = '+255700000001' AND i < :a;

INSERT INTO registration (key, request, consent, created_at, agent_id, customer_id, device_id)
  SELECT 'registered ' || {padded}, '', 'sms', {at:c}, :agent0 + i * :a / :c, :customer0 + i, :device0 + i
  FROM n
  WHERE i < :c;

INSERT INTO contact (phone, network, replies_since)
  SELECT phone, CASE id % 4 WHEN 0 THEN '64002' WHEN 1 THEN '64004' WHEN 2 THEN '64005' ELSE '64009' END,
      :now - :year + (id - :customer0) * :year / :c
  FROM customer
  WHERE id >= :customer0;

INSERT INTO customer_tag (tag, customer_id)
  SELECT 'tag ' || (i % 20), :customer0 + i
  FROM n
  WHERE i < :c AND i % 20 < 3;

-- What customers bought: three in cash at an agent, one with mobile money.

INSERT INTO payment (id, provider, reference, amount, currency, payer_phone, paid_at, created_at, agent_id)
  SELECT :payment0 + i, CASE WHEN i % 4 THEN 'cash' ELSE 'daraja' END, 'PAID' || {padded}, {amount}, 'TZS', CASE WHEN
      i % 4 THEN '' ELSE '+25572' || substr('0000000' || (:crowd + {whose}), -7) END, {at:s}, {at:s}, CASE WHEN i % 4
      THEN :agent0 + {whose} * :a / :c END
  FROM n
  WHERE i < :s;

INSERT INTO sale (id, reference, key, amount, unit, units, commission, tariff, price, created_at, agent_id,
    customer_id, device_id, payment_id)
  SELECT :sale0 + i, reference_for(1000000 + i), 'sold ' || {padded}, {amount}, 'days', 5, CASE WHEN i % 4 THEN
      {amount} / 10 ELSE 0 END, 'Solar home, weekly 7,000', 100000, {at:s}, CASE WHEN i % 4 THEN :agent0 + {whose} * :a /
      :c END, :customer0 + {whose}, :device0 + {whose}, :payment0 + i
  FROM n
  WHERE i < :s;

INSERT INTO token (count, digits, created_at, device_id, sale_id)
  SELECT i / :c + 1, substr('00000000' || ((i * 7919) % 999999937), -9), {at:s}, :device0 + {whose}, :sale0 + i
  FROM n
  WHERE i < :s;

INSERT INTO evidence (source, provider, reference, amount, created_at, payment_id)
  SELECT 'callback', 'daraja', 'PAID' || {padded}, {amount}, {at:s}, :payment0 + i
  FROM n
  WHERE i < :s AND i % 4 = 0;

INSERT INTO notice (provider, kind, digest, sealed, address, received_at, done_at, outcome)
  SELECT 'daraja', 'stk', 'digest ' || {padded}, '', '127.0.0.1', {ms:s}, {ms:s}, 'paid'
  FROM n
  WHERE i < :s AND i % 4 = 0;

INSERT INTO payment_request (key, provider, reference, external_id, phone, language, amount, account, state,
    created_at, asked_at, expires_at, customer_id, device_id, payment_id)
  SELECT 'push ' || {padded}, 'daraja', 'R' || {padded}, 'ws_CO_' || {padded}, '+25572' || substr('0000000' || (:crowd
      + {whose}), -7), 'sw', {amount}, 'SHD', 'paid', {ms:s}, {ms:s}, {ms:s}, :customer0 + {whose}, :device0 +
      {whose}, :payment0 + i
  FROM n
  WHERE i < :s AND i % 4 = 0;

INSERT INTO statement_file (provider, begins_at, ends_at, actor, created_at)
  SELECT 'daraja', {at:days}, {at:days}, 'admin', {at:days}
  FROM n
  WHERE i < :days;

INSERT INTO statement_line (provider, reference, direction, amount, at, settled, settled_by, created_at, payment_id)
  SELECT 'daraja', 'PAID' || {padded}, 'in', {amount}, {at:s}, CASE WHEN i > :s - 400 THEN '' ELSE 'payment' END,
      'rules', {at:s}, CASE WHEN i > :s - 400 THEN NULL ELSE :payment0 + i END
  FROM n
  WHERE i < :s AND i % 4 = 0;

INSERT INTO void (reason, asked_by, asked_at, state, decided_by, decided_at, sale_id)
  SELECT 'wrong customer', 'Wakala', {at:s}, 'done', 'admin', {at:s}, :sale0 + i
  FROM n
  WHERE i < :s - 20000 AND i % 1000 = 1;

INSERT INTO void (reason, asked_by, asked_at, state, sale_id)
  SELECT 'wrong customer', 'Wakala', {at:s}, 'asked', :sale0 + i
  FROM n
  WHERE i < :s AND i > :s - 80 AND i % 4 = 1;

-- Money for nobody, of which one of fifty still waits.

INSERT INTO payment (id, provider, reference, amount, currency, payer_phone, account_text, paid_at, created_at)
  SELECT :payment0 + :s + i, 'daraja', 'LOST' || {padded}, 500000, 'TZS', '+25579' || substr('0000000' || i, -7),
      'solar', {at:lost}, {at:lost}
  FROM n
  WHERE i < :lost;

INSERT INTO suspense (why, opened_at, closed_at, closed_by, payment_id)
  SELECT 'nobody', {at:lost}, CASE WHEN i % 50 THEN {at:lost} END, CASE WHEN i % 50 THEN 'admin' ELSE '' END,
      :payment0 + :s + i
  FROM n
  WHERE i < :lost;

-- What agents handed in, and what they dispute.

CREATE TEMP TABLE weekly AS
  SELECT agent_id, SUM(amount) / (:weeks + 1) AS amount
  FROM sale
  WHERE id >= :sale0 AND agent_id IS NOT NULL
  GROUP BY agent_id;

INSERT INTO hand_in (id, reference, amount, commission, actor, created_at, agent_id)
  SELECT :handin0 + i, 'H' || {padded}, amount, 0, 'admin', {at:handins}, agent_id
  FROM n CROSS JOIN weekly ON agent_id = :agent0 + i % :a
  WHERE i < :handins;

INSERT INTO hand_in_event (step, actor, text, created_at, hand_in_id)
  SELECT 'disputed', 'Wakala', 'I gave more', {at:handins}, :handin0 + i
  FROM n
  WHERE i < :handins AND i % 100 = 7;

INSERT INTO hand_in_event (step, amount, actor, created_at, hand_in_id)
  SELECT 'settled', amount, 'admin', {at:handins}, id
  FROM n CROSS JOIN hand_in ON id = :handin0 + i
  WHERE i < :handins - 2000 AND i % 100 = 7;

INSERT INTO proposal (key, what, amount, reason, state, asked_by, asked_at, decided_by, decided_at, agent_id)
  SELECT 'proposal ' || i, 'payout', 100000, 'paid', CASE WHEN i < 490 THEN 'done' ELSE 'asked' END, 'admin',
      {at:proposals}, CASE WHEN i < 490 THEN 'boss' ELSE '' END, CASE WHEN i < 490 THEN {at:proposals} END, :agent0 +
      i
  FROM n
  WHERE i < :proposals;

-- What is paid off by the month: one of ten customers, of whom one of five is behind.

INSERT INTO contract (id, key, terms, price, down, period, day_price, minimum, commission, sold_on, created_at,
    agent_id, appliance_id, customer_id, device_id)
  SELECT :contract0 + i, 'contract ' || {padded}, 'instalments', 12000000, 0, 'monthly', 0, 100, 0,
      date({at:contracts}), {at:contracts}, :agent0 + i * 10 * :a / :c, 1, :customer0 + i * 10, :device0 + i * 10
  FROM n
  WHERE i < :contracts;

INSERT INTO instalment (number, due_on, amount, paid, reminded_before, reminded_after, appliance_id, contract_id)
  SELECT month, due_on, 1000000, CASE WHEN due_on < date(:now / 1000, 'unixepoch', late) THEN 1000000 ELSE 0 END,
      due_on, due_on, 1, id
  FROM (SELECT c.id, month.i + 1 AS month, date(c.sold_on, (month.i + 1) || ' months') AS due_on, CASE WHEN c.id % 5
      THEN '+1 days' ELSE '-' || (c.id % 200) || ' days' END AS late
  FROM contract c, n AS month
  WHERE c.id >= :contract0 AND month.i < 12);

INSERT INTO allocation (amount, instalment_id)
  SELECT paid, id
  FROM instalment
  WHERE paid > 0;

-- The ledger, and from it the balances.

INSERT OR IGNORE INTO provider (name)
  VALUES ('daraja');

INSERT INTO account (kind, owner, currency, balance)
  SELECT 'cash', id, 'TZS', 0
  FROM agent
  WHERE id >= :agent0;

INSERT INTO account (kind, owner, currency, balance)
  SELECT 'commission', id, 'TZS', 0
  FROM agent
  WHERE id >= :agent0;

INSERT INTO account (kind, owner, currency, balance)
  SELECT 'clearing', id, 'TZS', 0
  FROM provider;

INSERT INTO account (kind, owner, currency, balance)
  SELECT 'debt', id, 'TZS', 0
  FROM contract
  WHERE id >= :contract0;

INSERT INTO account (kind, owner, currency, balance)
  SELECT 'unapplied', id, 'TZS', 0
  FROM payment
  WHERE id >= :payment0 AND provider = 'daraja';

CREATE TEMP TABLE one AS
  SELECT kind, owner, id
  FROM account;

CREATE INDEX temp.one_of ON one (kind, owner);

CREATE TEMP TABLE booked (key TEXT, at TEXT, debit INTEGER, credit INTEGER, amount INTEGER);

INSERT INTO booked
  SELECT 'payment ' || p.id, p.created_at, {account:clearing}, none.id, p.amount
  FROM payment p CROSS JOIN one none ON none.kind = 'unapplied' AND none.owner = p.id
  WHERE p.id >= :payment0;

INSERT INTO booked
  SELECT 'sale ' || s.id || ' payment', s.created_at, had.id, {account:days sold}, s.amount
  FROM sale s CROSS JOIN one had ON had.kind = CASE WHEN s.agent_id THEN 'cash' ELSE 'unapplied' END
    AND had.owner = COALESCE(s.agent_id, s.payment_id)
  WHERE s.id >= :sale0;

INSERT INTO booked
  SELECT 'sale ' || s.id || ' commission', s.created_at, {account:commission cost}, owed.id, s.commission
  FROM sale s CROSS JOIN one owed ON owed.kind = 'commission' AND owed.owner = s.agent_id
  WHERE s.id >= :sale0 AND s.commission > 0;

INSERT INTO booked
  SELECT 'hand in ' || h.id || ' cash', h.created_at, {account:office cash}, cash.id, h.amount
  FROM hand_in h CROSS JOIN one cash ON cash.kind = 'cash' AND cash.owner = h.agent_id;

INSERT INTO booked
  SELECT 'contract ' || debt.owner || ' price', k.created_at, debt.id, {account:goods}, SUM(i.amount - i.paid)
  FROM contract k CROSS JOIN one debt ON debt.kind = 'debt' AND debt.owner = k.id
  CROSS JOIN instalment i ON i.contract_id = k.id
  WHERE k.id >= :contract0
  GROUP BY k.id
  HAVING SUM(i.amount - i.paid) > 0;

INSERT INTO booked
  SELECT 'payment ' || x.payment_id || ' given', x.closed_at, none.id, {account:days sold}, 500000
  FROM suspense x CROSS JOIN one none ON none.kind = 'unapplied' AND none.owner = x.payment_id
  WHERE x.closed_at IS NOT NULL;

INSERT INTO booked
  SELECT 'paid out', {moment:now}, {account:bank}, {account:clearing}, SUM(amount)
  FROM sale
  WHERE agent_id IS NULL AND id >= :sale0;

INSERT INTO entry (id, key, actor, line_count, effective_at, created_at)
  SELECT :entry0 + rowid, key, 'bench', 2, at, at
  FROM booked;

INSERT INTO line (entry_id, account_id, amount)
  SELECT :entry0 + rowid, debit, amount
  FROM booked;

INSERT INTO line (entry_id, account_id, amount)
  SELECT :entry0 + rowid, credit, -amount
  FROM booked;

UPDATE account SET balance = total
  FROM (SELECT account_id, SUM(amount) AS total
  FROM line
  GROUP BY account_id)
  WHERE account_id = account.id;

-- Tickets, one of a hundred open; the log; dialled sessions; what was written to many; receipts.

INSERT INTO ticket (id, key, category, text, state, opened_at, due_at, closed_at, agent_id, customer_id, device_id)
  SELECT :ticket0 + i, 'ticket ' || {padded}, CASE i % 3 WHEN 0 THEN 'power' WHEN 1 THEN 'code' ELSE 'device' END,
      'the lamp stays dark', CASE WHEN i * 100 < :tickets * 99 THEN 'closed' ELSE 'open' END, {at:tickets},
      {moment:now + 864000 * (i % 99 - 5)}, CASE WHEN i * 100 < :tickets * 99 THEN {at:tickets} END, CASE WHEN i % 5
      THEN :agent0 + (i * 5) % :c * :a / :c END, :customer0 + (i * 5) % :c, :device0 + (i * 5) % :c
  FROM n
  WHERE i < :tickets;

INSERT INTO ticket_event (created_at, actor, step, text, ticket_id)
  SELECT t.opened_at, 'admin', step, '', t.id
  FROM ticket t, (SELECT 'opened' AS step UNION ALL
  SELECT 'assigned' UNION ALL
  SELECT 'commented');

INSERT INTO audit (created_at, actor, action, subject, detail, old, new, whence)
  SELECT {at:c}, CASE i % 9 WHEN 0 THEN 'admin' ELSE 'clerk ' || (i % 9) END, CASE i % 4 WHEN 0 THEN 'hand in' WHEN 1
      THEN 'customer phone' WHEN 2 THEN 'token shown' ELSE 'void asked' END, 'customer ' || (:customer0 + i), 'asked
      by phone', '1', '2', '127.0.0.1'
  FROM n
  WHERE i < :c;

-- Housekeeping forgets a dialled session after a day, and the books are added up when that was not done for 20 hours: a
-- server would do all of it beside what is measured, on the day for which the file is kept.

INSERT INTO ussdsession (gateway, service_code, session_id, phone, transcript_length, transcript_mac, talk,
    pin_given, open, started_at, updated_at)
  SELECT 'africastalking', '*384*20#', 'session ' || {padded}, '+25572' || substr('0000000' || (i * 20), -7), 0, '',
      '', 0, 0, dialled, dialled
  FROM (SELECT i, :now - 600000 * (i % 20) AS dialled FROM n WHERE i < :dialled);

INSERT OR REPLACE INTO setting (name, value) VALUES ('books checked', :now || ' ');

INSERT INTO broadcast (id, key, author, created_at, audience, texts, state, people, parts, last_customer,
    changed_at)
  SELECT 1 + i, 'many ' || i, 'admin', {ms:broadcasts}, '{{}}', '{{"en": "Hello"}}', 'done', :c / 20, :c / 20,
      :customer0 + :c, {ms:broadcasts}
  FROM n
  WHERE i < :broadcasts;

INSERT INTO broadcast_receiver (phone, result, broadcast_id, customer_id)
  SELECT c.phone, CASE c.id % 40 WHEN 0 THEN 'failed' ELSE 'delivered' END, b.id, c.id
  FROM broadcast b, customer c
  WHERE c.id >= :customer0 AND c.id % 20 = b.id - 1;

INSERT INTO receipt_text (inbox_id, gateway, sender, sealed, state, received_at)
  SELECT i + 1, 'phone-1', 'M-PESA', sealed('QK12 confirmed', i + 1), CASE WHEN i % 500 THEN 'seen' ELSE 'waiting'
      END, {ms:receipts}
  FROM n
  WHERE i < :receipts;

-- Texts that came in, of which some were not understood and the last of those wait, and what was answered.

INSERT INTO inbox (gateway, external_id, phone, sender_kind, recipient, network, text, received_at, state, outcome,
    error, answered_at)
  SELECT 'africastalking', 'past ' || {padded}, '+25572' || substr('0000000' || (i % :people), -7), 'number', '', '',
      CASE WHEN i % 33 THEN 'TOKEN' ELSE 'where is my code' END, {ms:m}, 'done', CASE WHEN i % 33 THEN 'done' ELSE
      'not understood' END, '', CASE WHEN i < :m - 20000 THEN {ms:m} ELSE 0 END
  FROM n
  WHERE i < :m;

INSERT INTO outbox (origin, phone, text, kind, priority, gateway, state, created_at, due_at, expires_at, claimed_by,
    claimed_at, tries, unknowns, external_id, error, parts, cost, sent_at, delivered_at)
  SELECT 'past ' || {padded}, '+25572' || substr('0000000' || (i % :people), -7), 'past', 'token', 0,
      'africastalking', CASE WHEN i % 100 THEN 'delivered' ELSE 'failed' END, {ms:m}, {ms:m}, {ms:m}, '', {ms:m}, 1,
      0, 'past ' || {padded}, CASE WHEN i % 100 THEN '' ELSE 'bad number' END, 1, '', {ms:m}, {ms:m}
  FROM n
  WHERE i < :m;

INSERT INTO office_message (key, origin, phone, author, created_at)
  SELECT 'wrote ' || {padded}, 'past ' || substr('00000000' || (i * 50), -8), '+25572' || substr('0000000' || (i * 50
      % :people), -7), 'admin', {ms:written}
  FROM n
  WHERE i < :written;

-- What triggers keep of lines and of payments that no line fits (models/migrations/0015_kept_sums.py).

INSERT INTO statement_sum (provider, day, settled, direction, number, amount)
  SELECT provider, substr(at, 1, 10), settled, direction, COUNT(*), SUM(amount)
  FROM statement_line
  GROUP BY 1, 2, 3, 4;

INSERT INTO unmatched (payment_id, provider, paid_at)
  SELECT id, provider, paid_at
  FROM payment
  WHERE id >= :payment0 AND provider = 'daraja'
    AND id NOT IN (SELECT payment_id FROM statement_line WHERE payment_id IS NOT NULL);

-- The sums of days, as housekeeping leaves them (models/money/figures.py).

DELETE FROM money_day;

DELETE FROM money_week;

INSERT INTO money_day (day, what, mini_grid_id, agent_id, provider, number, amount, commission)
  SELECT date(s.created_at, :zone), 'sale', c.mini_grid_id, s.agent_id, p.provider, COUNT(*), SUM(s.amount),
      SUM(s.commission)
  FROM sale s JOIN customer c ON c.id = s.customer_id JOIN payment p ON p.id = s.payment_id
  WHERE s.created_at < {moment:hour}
  GROUP BY 1, 3, 4, 5;

INSERT INTO money_day (day, what, agent_id, provider, number, amount)
  SELECT date(created_at, :zone), 'payment', agent_id, provider, COUNT(*), SUM(amount)
  FROM payment
  WHERE created_at < {moment:hour}
  GROUP BY 1, 3, 4;

INSERT INTO money_week (first_day, what, mini_grid_id, agent_id, provider, number, amount, commission)
  SELECT date(day, '-6 days', 'weekday 1'), what, mini_grid_id, agent_id, provider, SUM(number), SUM(amount),
      SUM(commission)
  FROM money_day
  GROUP BY 1, 2, 3, 4, 5;

DELETE FROM money_sum;

INSERT INTO money_sum (span, first_day, what, by_what, whose, number, amount, commission)
  SELECT 'day', day, what, '', '', SUM(number), SUM(amount), SUM(commission)
  FROM money_day
  GROUP BY 2, 3, 5;

INSERT INTO money_sum (span, first_day, what, by_what, whose, number, amount, commission)
  SELECT 'day', day, what, 'agent_id', COALESCE(CAST(agent_id AS TEXT), ''), SUM(number), SUM(amount), SUM(commission)
  FROM money_day
  GROUP BY 2, 3, 5;

INSERT INTO money_sum (span, first_day, what, by_what, whose, number, amount, commission)
  SELECT 'day', day, what, 'provider', provider, SUM(number), SUM(amount), SUM(commission)
  FROM money_day
  GROUP BY 2, 3, 5;

INSERT INTO money_sum (span, first_day, what, by_what, whose, number, amount, commission)
  SELECT 'day', day, what, 'mini_grid_id', CAST(mini_grid_id AS TEXT), SUM(number), SUM(amount), SUM(commission)
  FROM money_day
  WHERE what = 'sale'
  GROUP BY 2, 3, 5;

INSERT INTO money_sum (span, first_day, what, by_what, whose, number, amount, commission)
  SELECT 'week', date(first_day, '-6 days', 'weekday 1'), what, by_what, whose, SUM(number), SUM(amount), SUM(commission)
  FROM money_sum
  WHERE span = 'day'
  GROUP BY 2, 3, 4, 5;

UPDATE added_up SET until_at = {moment:hour};
