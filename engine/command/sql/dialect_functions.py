"""The functions of other servers that only compute, by their vendors' documents (MySQL 8.4, SQL Server 2022, BigQuery, Snowflake).

Not here, so unknown: what reads or writes files, reaches another server or a model, runs a text, waits, locks, or changes the
session (`LOAD_FILE`, `SLEEP`, `OPENROWSET`, `EXTERNAL_QUERY`, `SYSTEM$...`, `RESULT_SCAN`), and functions of a schema.
"""

from __future__ import annotations

_WORDS = "and or xor not in like ilike rlike glob filter values table exists case when then else if cast insert columns apply first next"
"""Words of the grammar that sqlglot has in its table of functions too."""

_EVERYWHERE = """
abs acos ascii asin atan avg cast ceiling char coalesce concat concat_ws convert cos cot count cume_dist current_date
current_timestamp current_user degrees dense_rank exp first_value floor lag last_value lead left length ln log log10 lower ltrim max
min month nth_value ntile nullif percent_rank pi power radians rank replace reverse right round row_number rtrim sign sin
soundex sqrt substring sum tan trim upper year greatest least
"""

_MYSQL = """
adddate addtime aes_decrypt aes_encrypt any_value atan2 bin bin_to_uuid bit_and bit_count bit_length bit_or bit_xor ceil
character_length char_length charset coercibility collation compress connection_id conv convert_tz crc32 curdate current_role
current_time curtime database date date_add date_format date_sub datediff day dayname dayofmonth dayofweek dayofyear default elt
export_set extract extractvalue field find_in_set format format_bytes format_pico_time found_rows from_base64 from_days from_unixtime
get_format group_concat grouping hex hour ifnull inet_aton inet_ntoa inet6_aton inet6_ntoa insert instr interval is_ipv4 is_ipv6 is_uuid
isnull json_array json_array_append json_array_insert json_arrayagg json_contains json_contains_path json_depth json_extract
json_insert json_keys json_length json_merge json_merge_patch json_merge_preserve json_object json_objectagg json_overlaps json_pretty
json_quote json_remove json_replace json_schema_valid json_schema_validation_report json_search json_set json_storage_free
json_storage_size json_table json_type json_unquote json_valid json_value last_day last_insert_id lcase localtime localtimestamp locate
log2 lpad make_set makedate maketime match md5 microsecond mid minute mod monthname name_const now oct octet_length ord period_add
period_diff pow position quarter quote rand random_bytes regexp_instr regexp_like regexp_replace regexp_substr repeat row row_count
rpad schema sec_to_time second session_user sha sha1 sha2 space st_area st_asbinary st_asgeojson st_astext st_buffer st_centroid st_contains
st_crosses st_difference st_dimension st_disjoint st_distance st_distance_sphere st_envelope st_equals st_geohash st_geomfromgeojson
st_geomfromtext st_geomfromwkb st_intersection st_intersects st_isvalid st_length st_makeenvelope st_overlaps st_pointfromtext
st_simplify st_srid st_touches st_transform st_union st_within st_x st_y std stddev stddev_pop stddev_samp str_to_date strcmp subdate
substr substring_index subtime sysdate system_user time time_format time_to_sec timediff timestamp timestampadd timestampdiff to_base64
to_days to_seconds truncate ucase uncompress uncompressed_length unhex unix_timestamp updatexml user utc_date utc_time utc_timestamp
uuid uuid_short uuid_to_bin validate_password_strength var_pop var_samp variance version week weekday weekofyear weight_string
yearweek point linestring polygon
"""

_SQLSERVER = """
app_name applock_mode approx_count_distinct approx_percentile_cont approx_percentile_disc atn2 base64_decode base64_encode bit_count
binary_checksum cast charindex checksum checksum_agg choose col_length col_name collationproperty columnproperty columns_updated
compress connectionproperty count_big current_request_id current_timezone current_timezone_id current_transaction_id cursor_status
database_principal_id databasepropertyex datalength date_bucket dateadd datediff datediff_big datefromparts datename datepart
datetime2fromparts datetimefromparts datetimeoffsetfromparts datetrunc day db_id db_name decompress difference edit_distance
edit_distance_similarity eomonth error_line error_message error_number error_procedure error_severity error_state file_id file_name
filegroup_id filegroup_name filegroupproperty fileproperty format formatmessage fulltextcatalogproperty fulltextserviceproperty
generate_series get_bit get_filestream_transaction_context getansinull getdate getutcdate grouping grouping_id has_dbaccess
has_perms_by_name hashbytes host_id host_name ident_current ident_incr ident_seed iif index_col indexkey_property indexproperty
is_member is_rolemember is_srvrolemember isdate isjson isnull isnumeric jaro_winkler_distance jaro_winkler_similarity json_array
json_arrayagg json_contains json_modify json_object json_objectagg json_path_exists json_query json_value left_shift len log newid
newsequentialid nchar object_definition object_id object_name object_schema_name objectproperty objectpropertyex openjson
original_db_name original_login parse parsename patindex percentile_cont percentile_disc permissions quotename rand
regexp_count regexp_instr regexp_like regexp_matches regexp_replace regexp_split_to_table regexp_substr replicate right_shift
rowcount_big schema_id schema_name scope_identity serverproperty session_context session_user sessionproperty set_bit
smalldatetimefromparts space sql_variant_property square stats_date stdev stdevp str string_agg string_escape string_split stuff
suser_id suser_name suser_sid suser_sname switchoffset sysdatetime sysdatetimeoffset system_user sysutcdatetime textptr textvalid
timefromparts todatetimeoffset translate trigger_nestlevel try_cast try_convert try_parse type_id type_name typeproperty unicode
upper user_id user_name var varp xact_state
"""

_BIGQUERY = """
acosh any_value approx_count_distinct approx_quantiles approx_top_count approx_top_sum array array_agg array_concat
array_concat_agg array_first array_last array_length array_reverse array_slice array_to_string asinh atan2 atanh avg bit_and bit_count
bit_or bit_xor bool bottom byte_length cbrt ceil char_length character_length chr code_points_to_bytes code_points_to_string collate
contains_substr corr cosh coth csc csch cosine_distance count_if countif covar_pop covar_samp current_datetime current_time date
date_add date_bucket date_diff date_from_unix_date date_sub date_trunc datetime datetime_add datetime_bucket datetime_diff
datetime_sub datetime_trunc div edit_distance ends_with error euclidean_distance extract farm_fingerprint flatten float64
format format_date format_datetime format_time format_timestamp from_base32 from_base64 from_hex generate_array
generate_date_array generate_range_array generate_timestamp_array generate_uuid grouping ieee_divide ifnull initcap instr int64
is_inf is_nan json_array json_array_append json_array_insert json_extract json_extract_array json_extract_scalar
json_extract_string_array json_keys json_object json_query json_query_array json_remove json_set json_strip_nulls json_type
json_value json_value_array justify_days justify_hours justify_interval last_day lax_bool lax_float64 lax_int64 lax_string
logical_and logical_or lpad make_interval max_by md5 min_by mod normalize normalize_and_casefold nullifzero octet_length parse_bignumeric
parse_date parse_datetime parse_json parse_numeric parse_time parse_timestamp percentile_cont percentile_disc pow rand range
range_bucket range_contains range_end range_intersect range_overlaps range_start regexp_contains regexp_extract regexp_extract_all
regexp_instr regexp_replace regexp_substr repeat row_number rpad safe_add safe_cast safe_convert_bytes_to_string safe_divide
safe_multiply safe_negate safe_subtract search sec sech session_user sha1 sha256 sha512 sinh split st_area st_asgeojson
st_astext st_boundary st_buffer st_centroid st_contains st_convexhull st_coveredby st_covers st_difference st_dimension st_disjoint
st_distance st_dwithin st_equals st_geogfrom st_geogfromgeojson st_geogfromtext st_geogpoint st_geohash st_intersection st_intersects
st_isempty st_length st_makeline st_makepolygon st_perimeter st_simplify st_touches st_union st_union_agg st_within st_x st_y
starts_with stddev stddev_pop stddev_samp string string_agg strpos struct substr tanh time time_add time_diff time_sub time_trunc
timestamp timestamp_add timestamp_bucket timestamp_diff timestamp_micros timestamp_millis timestamp_seconds timestamp_sub timestamp_trunc to_base32
to_base64 to_code_points to_hex to_json to_json_string top translate trunc typeof unicode unix_date unix_micros unix_millis unix_seconds
unnest var_pop var_samp variance zeroifnull
"""

_SNOWFLAKE = """
acosh add_months any_value approximate_jaccard_index approximate_similarity approx_count_distinct approx_percentile
approx_percentile_accumulate approx_percentile_combine approx_percentile_estimate approx_top_k approx_top_k_accumulate
approx_top_k_combine approx_top_k_estimate array_agg array_append array_cat array_compact array_construct array_construct_compact
array_contains array_distinct array_except array_flatten array_generate_range array_insert array_intersection array_max array_min
array_position array_prepend array_remove array_remove_at array_reverse array_size array_slice array_sort array_to_string
array_union_agg array_unique_agg arrayagg arrays_overlap arrays_to_object arrays_zip as_array as_binary as_boolean as_char
as_date as_decimal as_double as_integer as_number as_object as_real as_time as_varchar asinh atan2 atanh base64_decode_binary
base64_decode_string base64_encode bit_length bitand bitand_agg bitmap_bit_position bitmap_bucket_number bitmap_construct_agg
bitmap_count bitmap_or_agg bitnot bitor bitor_agg bitshiftleft bitshiftright bitxor bitxor_agg booland booland_agg boolnot boolor
boolor_agg boolxor boolxor_agg cbrt ceil charindex check_json check_xml chr collate collation compress conditional_change_event
conditional_true_event contains convert_timezone corr cosh count_if covar_pop covar_samp current_account current_account_name
current_available_roles current_client current_database current_ip_address current_organization_name current_region current_role current_role_type
current_schema current_schemas current_secondary_roles current_session current_time current_transaction current_version
current_warehouse date date_from_parts date_part date_trunc dateadd datediff datefromparts day dayname dayofmonth
dayofweek dayofweekiso dayofyear decode decompress_binary decompress_string decrypt decrypt_raw div0 div0null editdistance encrypt
encrypt_raw endswith equal_null extract factorial filter flatten generator get get_ignore_case get_path getbit getdate
greatest_ignore_nulls grouping grouping_id hash hash_agg haversine hex_decode_binary hex_decode_string hex_encode hll hour iff
ifnull initcap insert is_array is_binary is_boolean is_char is_date is_decimal is_double is_integer is_null_value is_object
is_real is_time is_timestamp_ltz is_timestamp_ntz is_timestamp_tz is_varchar jarowinkler_similarity json_extract_path_text kurtosis
last_day last_query_id least_ignore_nulls len listagg localtime localtimestamp log lpad max_by md5 md5_binary md5_hex
md5_number_lower64 md5_number_upper64 median min_by minhash minhash_combine minute mod mode monthname months_between nanosecond
next_day normal nullifzero nvl nvl2 object_agg object_construct object_construct_keep_null object_delete object_insert object_keys
object_pick octet_length parse_ip parse_json parse_url parse_xml percentile_cont percentile_disc position pow previous_day quarter
randstr random ratio_to_report reduce regexp regexp_count regexp_instr regexp_like regexp_replace regexp_substr regexp_substr_all
regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy regr_valx regr_valy repeat rpad
rtrimmed_length second seq1 seq2 seq4 seq8 sha1 sha1_binary sha1_hex sha2 sha2_binary sha2_hex sinh skew soundex_p123 space split
split_part split_to_table square st_area st_asgeojson st_astext st_aswkt st_buffer st_centroid st_contains st_distance
st_dwithin st_geogfromtext st_geographyfromwkt st_intersection st_intersects st_length st_makeline st_makepoint st_point st_within
st_x st_y startswith stddev stddev_pop stddev_samp strip_null_value strtok strtok_split_to_table strtok_to_array substr sysdate
systimestamp tanh time time_from_parts time_slice timeadd timediff timefromparts timestamp_from_parts timestamp_ltz_from_parts
timestamp_ntz_from_parts timestamp_tz_from_parts timestampadd timestampdiff timestampfromparts timestampltzfromparts
timestampntzfromparts timestamptzfromparts to_array to_binary to_boolean to_char to_date to_decimal to_decfloat to_double to_geography to_geometry
to_json to_number to_numeric to_object to_time to_timestamp to_timestamp_ltz to_timestamp_ntz to_timestamp_tz to_varchar
to_variant to_xml transform translate trunc truncate try_base64_decode_binary try_base64_decode_string try_cast try_decrypt
try_decrypt_raw try_hex_decode_binary try_hex_decode_string try_parse_json try_to_binary try_to_boolean try_to_date
try_to_decimal try_to_decfloat try_to_double try_to_geography try_to_geometry try_to_number try_to_numeric try_to_time try_to_timestamp
try_to_timestamp_ltz try_to_timestamp_ntz try_to_timestamp_tz typeof unicode uniform uuid_string var_pop var_samp variance
variance_pop variance_samp vector_cosine_similarity vector_inner_product vector_l1_distance vector_l2_distance week weekiso
weekofyear width_bucket xmlget yearofweek yearofweekiso zeroifnull zipf
"""


def _names(*lists: str) -> frozenset[str]:
    return frozenset(" ".join((_WORDS, _EVERYWHERE, *lists)).split())


FUNCTIONS: dict[str, frozenset[str]] = {
    "mysql": _names(_MYSQL),
    "sqlserver": _names(_SQLSERVER),
    "bigquery": _names(_BIGQUERY),
    "snowflake": _names(_SNOWFLAKE),
}
"""Protocol to the names of the functions that are known, in lower case."""
