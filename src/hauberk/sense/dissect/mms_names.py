"""Names and numbers of MMS: services, errors and which services change something (ISO 9506-2:2003). Tables only."""

from __future__ import annotations

from typing import Final

SERVICES: Final = (
    "status",
    "get_name_list",
    "identify",
    "rename",
    "read",
    "write",
    "get_variable_access_attributes",
    "define_named_variable",
    "define_scattered_access",
    "get_scattered_access_attributes",
    "delete_variable_access",
    "define_named_variable_list",
    "get_named_variable_list_attributes",
    "delete_named_variable_list",
    "define_named_type",
    "get_named_type_attributes",
    "delete_named_type",
    "input",
    "output",
    "take_control",
    "relinquish_control",
    "define_semaphore",
    "delete_semaphore",
    "report_semaphore_status",
    "report_pool_semaphore_status",
    "report_semaphore_entry_status",
    "initiate_download_sequence",
    "download_segment",
    "terminate_download_sequence",
    "initiate_upload_sequence",
    "upload_segment",
    "terminate_upload_sequence",
    "request_domain_download",
    "request_domain_upload",
    "load_domain_content",
    "store_domain_content",
    "delete_domain",
    "get_domain_attributes",
    "create_program_invocation",
    "delete_program_invocation",
    "start",
    "stop",
    "resume",
    "reset",
    "kill",
    "get_program_invocation_attributes",
    "obtain_file",
    "define_event_condition",
    "delete_event_condition",
    "get_event_condition_attributes",
    "report_event_condition_status",
    "alter_event_condition_monitoring",
    "trigger_event",
    "define_event_action",
    "delete_event_action",
    "get_event_action_attributes",
    "report_event_action_status",
    "define_event_enrollment",
    "delete_event_enrollment",
    "alter_event_enrollment",
    "report_event_enrollment_status",
    "get_event_enrollment_attributes",
    "acknowledge_event_notification",
    "get_alarm_summary",
    "get_alarm_enrollment_summary",
    "read_journal",
    "write_journal",
    "initialize_journal",
    "report_journal_status",
    "create_journal",
    "delete_journal",
    "get_capability_list",
    "file_open",
    "file_read",
    "file_close",
    "file_rename",
    "file_delete",
    "file_directory",
    "additional_service",
    "request_detail",
    "get_data_exchange_attributes",
    "exchange_data",
    "define_access_control_list",
    "get_access_control_list_attributes",
    "report_access_controlled_objects",
    "delete_access_control_list",
    "change_access_control",
    "reconfigure_program_invocation",
)
"""Confirmed services, by the number of their tag."""

GET_NAME_LIST: Final = 1
IDENTIFY: Final = 2
READ: Final = 4
WRITE: Final = 5
GET_VARIABLE: Final = 6
DEFINE_LIST: Final = 11
GET_LIST: Final = 12
DELETE_LIST: Final = 13
OBTAIN_FILE: Final = 46
FILE_OPEN: Final = 72
FILE_READ: Final = 73
FILE_CLOSE: Final = 74
FILE_RENAME: Final = 75
FILE_DELETE: Final = 76
FILE_DIRECTORY: Final = 77

WRITES: Final = frozenset(
    {3, 5, 7, 8, 10, 11, 13, 14, 16, 18, 21, 22, 26, 27, 28, 32, 34, 35, 36, 38, 39, 40, 41, 42, 43, 44, 46, 47, 48, 51, 52, 53, 54}
    | {57, 58, 59, 62, 66, 67, 69, 70, 75, 76, 81, 82, 85, 86, 87},
)
"""Confirmed services that change what the server holds or does."""

ACCESS_ERRORS: Final = (
    "object_invalidated",
    "hardware_fault",
    "temporarily_unavailable",
    "object_access_denied",
    "object_undefined",
    "invalid_address",
    "type_unsupported",
    "type_inconsistent",
    "object_attribute_inconsistent",
    "object_access_unsupported",
    "object_non_existent",
    "object_value_invalid",
)

ERROR_CLASSES: Final = (
    "vmd_state",
    "application_reference",
    "definition",
    "resource",
    "service",
    "service_preempt",
    "time_resolution",
    "access",
    "initiate",
    "conclude",
    "cancel",
    "file",
    "others",
)

ERRORS: Final = {
    (0, 1): "vmd_state_conflict",
    (0, 2): "vmd_operational_problem",
    (0, 3): "domain_transfer_problem",
    (0, 4): "state_machine_id_invalid",
    (2, 1): "object_undefined",
    (2, 2): "invalid_address",
    (2, 3): "type_unsupported",
    (2, 4): "type_inconsistent",
    (2, 5): "object_exists",
    (2, 6): "object_attribute_inconsistent",
    (3, 1): "memory_unavailable",
    (3, 2): "processor_resource_unavailable",
    (3, 3): "mass_storage_unavailable",
    (3, 4): "capability_unavailable",
    (3, 5): "capability_unknown",
    (4, 1): "primitives_out_of_sequence",
    (4, 2): "object_state_conflict",
    (4, 4): "continuation_invalid",
    (4, 5): "object_constraint_conflict",
    (5, 1): "timeout",
    (5, 2): "deadlock",
    (5, 3): "cancel",
    (7, 1): "object_access_unsupported",
    (7, 2): "object_non_existent",
    (7, 3): "object_access_denied",
    (7, 4): "object_invalidated",
    (11, 1): "filename_ambiguous",
    (11, 2): "file_busy",
    (11, 3): "filename_syntax_error",
    (11, 4): "content_type_invalid",
    (11, 5): "position_invalid",
    (11, 6): "file_access_denied",
    (11, 7): "file_non_existent",
    (11, 8): "duplicate_filename",
    (11, 9): "insufficient_space_in_filestore",
}
"""Service errors that have a name of their own, by class and code."""

REJECTS: Final = {
    1: "confirmed_request",
    2: "confirmed_response",
    3: "confirmed_error",
    4: "unconfirmed",
    5: "pdu_error",
    6: "cancel_request",
    7: "cancel_response",
    8: "cancel_error",
    9: "conclude_request",
    10: "conclude_response",
    11: "conclude_error",
}
"""Reject reasons: which kind of message was refused."""


def service_name(number: int) -> str:
    """The operation of a confirmed service."""
    return SERVICES[number] if number < len(SERVICES) else f"service_{number}"


def access_error(number: int) -> str:
    """The word for a data access error."""
    return ACCESS_ERRORS[number] if 0 <= number < len(ACCESS_ERRORS) else f"data_access_error_{number}"


def service_error(kind: int, number: int) -> str:
    """The word for a service error, or its class and number where it has none."""
    known = ERRORS.get((kind, number))
    if known is not None:
        return known
    return f"{ERROR_CLASSES[kind]}_error_{number}" if kind < len(ERROR_CLASSES) else f"error_{kind}_{number}"
