-- The messages in the content of a log: the elements of an array of JSON, else the content itself as one.
CREATE MACRO base.messages(content) AS
  CASE
    WHEN JSON_TYPE(TRY_CAST(content AS JSON)) = 'ARRAY' THEN CAST(TRY_CAST(content AS JSON) AS JSON[])
    ELSE [COALESCE(TRY_CAST(content AS JSON), TO_JSON(content))]
  END;
