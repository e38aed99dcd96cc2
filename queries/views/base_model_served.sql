-- Whether a model that answered is the one asked for: `same`; `version`, where a date or number was added to the name, or
-- took the place of `-latest`; else `other`. What stands before a slash (a provider, `models`) says nothing.
CREATE MACRO base.model_served(asked, answered) AS
CASE
  WHEN asked IS NULL THEN NULL
  WHEN asked = answered THEN 'same'
  WHEN REGEXP_REPLACE(asked, '^.*/', '') = REGEXP_REPLACE(answered, '^.*/', '') THEN 'same'
  WHEN REGEXP_MATCHES(
    answered[LENGTH(answered) - LENGTH(REGEXP_REPLACE(answered, '^.*/', '')) + 1:],
    '^' || REGEXP_ESCAPE(REGEXP_REPLACE(REGEXP_REPLACE(asked, '^.*/', ''), '-latest$', '')) || '[-@:][0-9]{3,}[0-9-]*$'
  ) THEN 'version'
  ELSE 'other'
END;
