-- Seventh schema.

-- What the network said last of a SIM's credit, in hundredths of the unit it means; none where it named no amount. Below what the site
-- wants since then.
ALTER TABLE sims ADD COLUMN credit INTEGER;
ALTER TABLE sims ADD COLUMN credit_low_since INTEGER;
