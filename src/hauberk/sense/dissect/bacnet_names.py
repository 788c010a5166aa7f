"""Numbers and names of BACnet: services, object types, properties, errors, network messages and vendors.

ASHRAE 135 clause 21 (application layer), clause 6 (network layer), annex J (BACnet/IP), and the vendor list that ASHRAE keeps.
Names are snake_case, vendor names are as vendors write them. Data only: nothing is read here.
"""

from __future__ import annotations

from typing import Final


def _numbered(first: int, names: str) -> dict[int, str]:
    """Names numbered upwards from ``first``."""
    return dict(enumerate(names.split(), first))


CONFIRMED: Final[dict[int, str]] = _numbered(
    0,
    "acknowledge_alarm confirmed_cov_notification confirmed_event_notification get_alarm_summary get_enrollment_summary "
    "subscribe_cov atomic_read_file atomic_write_file add_list_element remove_list_element create_object delete_object "
    "read_property read_property_conditional read_property_multiple write_property write_property_multiple "
    "device_communication_control confirmed_private_transfer confirmed_text_message reinitialize_device vt_open vt_close "
    "vt_data authenticate request_key read_range life_safety_operation subscribe_cov_property get_event_information "
    "subscribe_cov_property_multiple confirmed_cov_notification_multiple confirmed_audit_notification audit_log_query",
)
"""Confirmed service choices (clause 21, BACnetConfirmedServiceChoice)."""

UNCONFIRMED: Final[dict[int, str]] = _numbered(
    0,
    "i_am i_have unconfirmed_cov_notification unconfirmed_event_notification unconfirmed_private_transfer "
    "unconfirmed_text_message time_synchronization who_has who_is utc_time_synchronization write_group "
    "unconfirmed_cov_notification_multiple unconfirmed_audit_notification who_am_i you_are",
)
"""Unconfirmed service choices (BACnetUnconfirmedServiceChoice)."""

OBJECT_TYPES: Final[dict[int, str]] = _numbered(
    0,
    "analog_input analog_output analog_value binary_input binary_output binary_value calendar command device "
    "event_enrollment file group loop multi_state_input multi_state_output notification_class program schedule averaging "
    "multi_state_value trend_log life_safety_point life_safety_zone accumulator pulse_converter event_log global_group "
    "trend_log_multiple load_control structured_view access_door timer access_credential access_point access_rights "
    "access_user access_zone credential_data_input network_security bitstring_value characterstring_value "
    "date_pattern_value date_value datetime_pattern_value datetime_value integer_value large_analog_value octetstring_value "
    "positive_integer_value time_pattern_value time_value notification_forwarder alert_enrollment channel lighting_output "
    "binary_lighting_output network_port elevator_group escalator lift staging audit_log audit_reporter color "
    "color_temperature",
)
"""BACnetObjectType."""

PROPERTIES: Final[dict[int, str]] = {
    **_numbered(
        0,
        "acked_transitions ack_required action action_text active_text active_vt_sessions alarm_value alarm_values all "
        "all_writes_successful apdu_segment_timeout apdu_timeout application_software_version archive bias "
        "change_of_state_count change_of_state_time notification_class",
    ),
    **_numbered(
        19,
        "controlled_variable_reference controlled_variable_units controlled_variable_value cov_increment date_list "
        "daylight_savings_status deadband derivative_constant derivative_constant_units description description_of_halt "
        "device_address_binding device_type effective_period elapsed_active_time error_limit event_enable event_state "
        "event_type exception_schedule fault_values feedback_value file_access_method file_size file_type firmware_revision "
        "high_limit inactive_text in_process instance_of integral_constant integral_constant_units "
        "issue_confirmed_notifications limit_enable list_of_group_members list_of_object_property_references "
        "list_of_session_keys local_date local_time location low_limit manipulated_variable_reference maximum_output "
        "max_apdu_length_accepted max_info_frames max_master max_pres_value minimum_off_time minimum_on_time minimum_output "
        "min_pres_value model_name modification_date notify_type number_of_apdu_retries number_of_states object_identifier "
        "object_list object_name object_property_reference object_type optional out_of_service output_units event_parameters "
        "polarity present_value priority priority_array priority_for_writing process_identifier program_change program_location "
        "program_state proportional_constant proportional_constant_units protocol_conformance_class "
        "protocol_object_types_supported protocol_services_supported protocol_version read_only reason_for_halt recipient "
        "recipient_list reliability relinquish_default required resolution segmentation_supported setpoint setpoint_reference "
        "state_text status_flags system_status time_delay time_of_active_time_reset time_of_state_count_reset "
        "time_synchronization_recipients units update_interval utc_offset vendor_identifier vendor_name vt_classes_supported "
        "weekly_schedule attempted_samples average_value buffer_size client_cov_increment cov_resubscription_interval "
        "current_notify_time event_time_stamps log_buffer log_device_object_property enable log_interval maximum_value "
        "minimum_value notification_threshold previous_notify_time protocol_revision records_since_notification record_count "
        "start_time stop_time stop_when_full total_record_count valid_samples window_interval window_samples "
        "maximum_value_time_stamp minimum_value_time_stamp variance_value active_cov_subscriptions backup_failure_timeout "
        "configuration_files database_revision direct_reading last_restore_time maintenance_required member_of mode "
        "operation_expected setting silenced tracking_value zone_members life_safety_alarm_values max_segments_accepted "
        "profile_name auto_slave_discovery manual_slave_address_binding slave_address_binding slave_proxy_enable "
        "last_notify_record schedule_default accepted_modes adjust_value count count_before_change count_change_time cov_period "
        "input_reference limit_monitoring_interval logging_object logging_record prescale pulse_rate scale scale_factor "
        "update_time value_before_change value_set value_change_time align_intervals group_member_names interval_offset "
        "last_restart_reason logging_type member_status_flags notification_period previous_notify_record "
        "requested_update_interval restart_notification_recipients time_of_device_restart time_synchronization_interval trigger "
        "utc_time_synchronization_recipients node_subtype node_type structured_object_list subordinate_annotations "
        "subordinate_list actual_shed_level duty_window expected_shed_level full_duty_baseline node_subtype node_type "
        "requested_shed_level shed_duration shed_level_descriptions shed_levels state_description",
    ),
    **_numbered(
        226,
        "door_alarm_state door_extended_pulse_time door_members door_open_too_long_time door_pulse_time door_status "
        "door_unlock_delay_time lock_status masked_alarm_values secured_status",
    ),
    **_numbered(
        244,
        "absentee_limit access_alarm_events access_doors access_event access_event_authentication_factor "
        "access_event_credential access_event_time access_transaction_events accompaniment accompaniment_time activation_time "
        "active_authentication_policy assigned_access_rights authentication_factors authentication_policy_list "
        "authentication_policy_names authentication_status authorization_mode belongs_to credential_disable credential_status "
        "credentials credentials_in_zone days_remaining entry_points exit_points expiration_time extended_time_enable "
        "failed_attempt_events failed_attempts failed_attempts_time last_access_event last_access_point last_credential_added "
        "last_credential_added_time last_credential_removed last_credential_removed_time last_use_time lockout "
        "lockout_relinquish_time master_exemption max_failed_attempts members muster_point negative_access_rules "
        "number_of_authentication_policies occupancy_count occupancy_count_adjust occupancy_count_enable occupancy_exemption "
        "occupancy_lower_limit occupancy_lower_limit_enforced occupancy_state occupancy_upper_limit "
        "occupancy_upper_limit_enforced passback_exemption passback_mode passback_timeout positive_access_rules "
        "reason_for_disable supported_formats supported_format_classes threat_authority threat_level trace_flag "
        "transaction_notification_class user_external_identifier user_information_reference",
    ),
    **_numbered(
        317,
        "user_name user_type uses_remaining zone_from zone_to access_event_tag global_identifier",
    ),
    **_numbered(
        326,
        "verification_time base_device_security_policy distribution_key_revision do_not_hide key_sets last_key_server "
        "network_access_security_policies packet_reorder_time security_pdu_timeout security_time_window "
        "supported_security_algorithms update_key_set_timeout backup_and_restore_state backup_preparation_time "
        "restore_completion_time restore_preparation_time bit_mask bit_text is_utc group_members group_member_names "
        "member_status_flags requested_update_interval covu_period covu_recipients event_message_texts "
        "event_message_texts_config event_detection_enable event_algorithm_inhibit event_algorithm_inhibit_ref "
        "time_delay_normal reliability_evaluation_inhibit fault_parameters fault_type local_forwarding_only "
        "process_identifier_filter subscribed_recipients port_filter authorization_exemptions allow_group_delay_inhibit "
        "channel_number control_groups execution_delay last_priority write_status property_list serial_number blink_warn_enable "
        "default_fade_time default_ramp_rate default_step_increment egress_time in_progress instantaneous_power "
        "lighting_command lighting_command_default_priority max_actual_value min_actual_value power transition egress_active "
        "interface_value fault_high_limit fault_low_limit low_diff_limit strike_count time_of_strike_count_reset "
        "default_timeout initial_timeout last_state_change state_change_values timer_running timer_state apdu_length "
        "bacnet_ip_address bacnet_ip_default_gateway bacnet_ip_dhcp_enable bacnet_ip_dhcp_lease_time "
        "bacnet_ip_dhcp_lease_time_remaining bacnet_ip_dhcp_server bacnet_ip_dns_server bacnet_ip_global_address bacnet_ip_mode "
        "bacnet_ip_multicast_address bacnet_ip_nat_traversal bacnet_ip_subnet_mask bacnet_ip_udp_port "
        "bbmd_accept_fd_registrations bbmd_broadcast_distribution_table bbmd_foreign_device_table changes_pending command "
        "fd_bbmd_address fd_subscription_lifetime link_speed link_speeds link_speed_autonegotiate mac_address "
        "network_interface_name network_number network_number_quality network_type routing_table virtual_mac_address_table "
        "command_time_array current_command_priority last_command_time value_source value_source_array bacnet_ipv6_mode "
        "ipv6_address ipv6_prefix_length bacnet_ipv6_udp_port ipv6_default_gateway bacnet_ipv6_multicast_address "
        "ipv6_dns_server ipv6_auto_addressing_enable ipv6_dhcp_lease_time ipv6_dhcp_lease_time_remaining ipv6_dhcp_server "
        "ipv6_zone_index assigned_landing_calls car_assigned_direction car_door_command car_door_status car_door_text "
        "car_door_zone car_drive_status car_load car_load_units car_mode car_moving_direction car_position elevator_group "
        "energy_meter energy_meter_ref escalator_mode fault_signals floor_text group_id",
    ),
    **_numbered(
        467,
        "group_mode higher_deck installation_id landing_calls landing_call_control landing_door_status lower_deck "
        "machine_room_id making_car_call next_stopping_floor operation_direction passenger_alarm power_mode registered_car_call "
        "active_cov_multiple_subscriptions protocol_level reference_port deployed_profile_location profile_location tags "
        "subordinate_node_types subordinate_tags subordinate_relationship default_subordinate_relationship represents "
        "default_present_value present_stage stages stage_names target_references audit_source_reporter audit_level "
        "audit_notification_recipient audit_priority_filter auditable_operations delete_on_forward maximum_send_delay "
        "monitored_objects send_now floor_number device_uuid additional_reference_ports certificate_signing_request_file "
        "command_validation_result issuer_certificate_files",
    ),
}
"""BACnetPropertyIdentifier."""

ERROR_CODES: Final[dict[int, str]] = {
    **_numbered(
        0,
        "other authentication_failed configuration_in_progress device_busy dynamic_creation_not_supported file_access_denied "
        "incompatible_security_levels inconsistent_parameters inconsistent_selection_criterion invalid_data_type "
        "invalid_file_access_method invalid_file_start_position invalid_operator_name invalid_parameter_data_type "
        "invalid_time_stamp key_generation_error missing_required_parameter no_objects_of_specified_type no_space_for_object "
        "no_space_to_add_list_element no_space_to_write_property no_vt_sessions_available property_is_not_a_list "
        "object_deletion_not_permitted object_identifier_already_exists operational_problem password_failure read_access_denied "
        "security_not_supported service_request_denied timeout unknown_object unknown_property",
    ),
    **_numbered(
        34,
        "unknown_vt_class unknown_vt_session unsupported_object_type value_out_of_range vt_session_already_closed "
        "vt_session_termination_failure write_access_denied character_set_not_supported invalid_array_index "
        "cov_subscription_failed not_cov_property optional_functionality_not_supported invalid_configuration_data "
        "datatype_not_supported duplicate_name duplicate_object_id property_is_not_an_array abort_buffer_overflow "
        "abort_invalid_apdu_in_this_state abort_preempted_by_higher_priority_task abort_segmentation_not_supported "
        "abort_proprietary abort_other invalid_tag network_down reject_buffer_overflow reject_inconsistent_parameters "
        "reject_invalid_parameter_data_type reject_invalid_tag reject_missing_required_parameter reject_parameter_out_of_range "
        "reject_too_many_arguments reject_undefined_enumeration reject_unrecognized_service reject_proprietary reject_other "
        "unknown_device unknown_route value_not_initialized invalid_event_state no_alarm_configured log_buffer_full "
        "logged_value_purged no_property_specified not_configured_for_triggered_logging unknown_subscription "
        "parameter_out_of_range list_element_not_found busy communication_disabled success access_denied "
        "bad_destination_address bad_destination_device_id bad_signature bad_source_address bad_timestamp cannot_use_key "
        "cannot_verify_message_id correct_key_revision destination_device_id_required duplicate_message "
        "encryption_not_configured encryption_required incorrect_key invalid_key_data key_update_in_progress malformed_message "
        "not_key_server security_not_configured source_security_required too_many_keys unknown_authentication_type unknown_key "
        "unknown_key_revision unknown_source_message not_router_to_dnet router_busy unknown_network_message message_too_long "
        "security_error addressing_error write_bdt_failed read_bdt_failed register_foreign_device_failed read_fdt_failed "
        "delete_fdt_entry_failed distribute_broadcast_failed unknown_file_size abort_apdu_too_long "
        "abort_application_exceeded_reply_time abort_out_of_resources abort_tsm_timeout abort_window_size_out_of_range "
        "file_full inconsistent_configuration inconsistent_object_type internal_error not_configured out_of_memory "
        "value_too_long abort_insufficient_security abort_security_error duplicate_entry invalid_value_in_this_state "
        "invalid_operation_in_this_state list_item_not_numbered list_item_not_timestamped invalid_data_encoding "
        "bvlc_function_unknown bvlc_proprietary_function_unknown header_encoding_error header_not_understood message_incomplete "
        "not_a_bacnet_sc_hub payload_expected unexpected_data node_duplicate_vmac http_unexpected_response_code http_no_upgrade "
        "http_resource_not_local http_proxy_authentication_failed http_response_timeout http_response_syntax_error "
        "http_response_value_error http_response_missing_header http_websocket_header_error http_upgrade_required "
        "http_upgrade_error http_temporary_unavailable http_not_a_server http_error websocket_scheme_not_supported "
        "websocket_unknown_control_message websocket_close_error websocket_closed_by_peer websocket_endpoint_leaves "
        "websocket_protocol_error websocket_data_not_accepted websocket_closed_abnormally websocket_data_inconsistent "
        "websocket_data_against_policy websocket_frame_too_long websocket_extension_missing websocket_request_unavailable "
        "websocket_error tls_client_certificate_error tls_server_certificate_error tls_client_authentication_failed "
        "tls_server_authentication_failed tls_client_certificate_expired tls_server_certificate_expired "
        "tls_client_certificate_revoked tls_server_certificate_revoked tls_error dns_unavailable dns_name_resolution_failed "
        "dns_resolver_failure dns_error tcp_connect_timeout tcp_connection_refused tcp_closed_by_local tcp_closed_other "
        "tcp_error ip_address_not_reachable ip_error",
    ),
}
"""BACnet error codes (clause 18)."""

ABORT_REASONS: Final[dict[int, str]] = _numbered(
    0,
    "other buffer_overflow invalid_apdu_in_this_state preempted_by_higher_priority_task segmentation_not_supported "
    "security_error insufficient_security window_size_out_of_range application_exceeded_reply_time out_of_resources "
    "tsm_timeout apdu_too_long",
)
"""Reasons of an Abort PDU (clause 18.10)."""

REJECT_REASONS: Final[dict[int, str]] = _numbered(
    0,
    "other buffer_overflow inconsistent_parameters invalid_parameter_data_type invalid_tag missing_required_parameter "
    "parameter_out_of_range too_many_arguments undefined_enumeration unrecognized_service",
)
"""Reasons of a Reject PDU (clause 18.9)."""

ERROR_CLASSES: Final[dict[int, str]] = _numbered(0, "device object property resources security services vt communication")
"""BACnet error classes (clause 18)."""

NETWORK_MESSAGES: Final[dict[int, str]] = {
    **_numbered(
        0x00,
        "network_who_is_router_to_network network_i_am_router_to_network network_i_could_be_router_to_network "
        "network_reject_message_to_network network_router_busy_to_network network_router_available_to_network "
        "network_initialize_routing_table network_initialize_routing_table_ack network_establish_connection_to_network "
        "network_disconnect_connection_to_network network_challenge_request network_security_payload network_security_response "
        "network_request_key_update network_update_key_set network_update_distribution_key network_request_master_key "
        "network_set_master_key network_what_is_network_number network_network_number_is",
    ),
}
"""Network layer message types (clause 6.2.4)."""

NETWORK_WRITES: Final = frozenset({0x06, 0x08, 0x09, 0x0E, 0x0F, 0x11})
"""Network messages that change routes, links or keys."""

LINK_FUNCTIONS: Final[dict[int, str]] = _numbered(
    0x00,
    "bvlc_result bvlc_write_broadcast_distribution_table bvlc_read_broadcast_distribution_table "
    "bvlc_read_broadcast_distribution_table bvlc_forwarded_npdu bvlc_register_foreign_device bvlc_read_foreign_device_table "
    "bvlc_read_foreign_device_table bvlc_delete_foreign_device_table_entry bvlc_distribute_broadcast_to_network "
    "bvlc_original_unicast_npdu bvlc_original_broadcast_npdu bvlc_secured",
)
"""BACnet/IP functions (annex J.2); a reply has the name of its request."""

LINK_RESULTS: Final[dict[int, str]] = {
    0x00: "ok",
    0x10: "write_broadcast_distribution_table_nak",
    0x20: "read_broadcast_distribution_table_nak",
    0x30: "register_foreign_device_nak",
    0x40: "read_foreign_device_table_nak",
    0x50: "delete_foreign_device_table_entry_nak",
    0x60: "distribute_broadcast_to_network_nak",
}

LINK6_FUNCTIONS: Final[dict[int, str]] = _numbered(
    0x00,
    "bvlc_result bvlc_original_unicast_npdu bvlc_original_broadcast_npdu bvlc_address_resolution "
    "bvlc_forwarded_address_resolution bvlc_address_resolution_ack bvlc_virtual_address_resolution "
    "bvlc_virtual_address_resolution_ack bvlc_forwarded_npdu bvlc_register_foreign_device "
    "bvlc_delete_foreign_device_table_entry bvlc_secured bvlc_distribute_broadcast_to_network",
)
"""BACnet/IPv6 functions (annex U.2)."""

CONFIRMED_WRITES: Final = frozenset({7, 8, 9, 10, 11, 15, 16, 17, 20, 27})
"""Confirmed services that write, control or restart."""

UNCONFIRMED_WRITES: Final = frozenset({6, 9, 10, 14})
"""Unconfirmed services that set clocks, values or addresses."""

RESTARTS: Final[dict[int, str]] = _numbered(
    0, "cold_start warm_start start_backup end_backup start_restore end_restore abort_restore activate_changes"
)
"""States a device is asked to take by Reinitialize Device (clause 16.4)."""

COMMUNICATION: Final[dict[int, str]] = _numbered(0, "enable disable disable_initiation")
"""What Device Communication Control asks for (clause 16.1)."""

VENDORS: Final[dict[int, str]] = {
    0: "ASHRAE",
    1: "NIST",
    2: "Trane",
    3: "Daikin Applied",
    5: "Johnson Controls",
    6: "ABB",
    7: "Siemens",
    8: "Delta Controls",
    9: "Siemens",
    10: "Schneider Electric",
    11: "TAC",
    13: "Teletrol",
    14: "Cimetrics",
    16: "Carrier",
    17: "Honeywell",
    18: "Alerton",
    19: "TAC",
    22: "Siemens",
    23: "York",
    24: "Automated Logic",
    26: "Phoenix Controls",
    28: "KMC Controls",
    32: "Simplex",
    34: "Notifier",
    35: "Reliable Controls",
    36: "Tridium",
    39: "Kieback&Peter",
    42: "Acuity Brands",
    50: "MBS",
    51: "Samson",
    53: "Daikin",
    56: "Vertiv",
    73: "ABB",
    77: "Carel",
    80: "Sauter",
    82: "Mitsubishi Electric",
    85: "Azbil",
    86: "WattStopper",
    89: "Saia-Burgess Controls",
    90: "Hitachi",
    91: "Trend",
    98: "Toshiba",
    99: "Mitsubishi Electric",
    105: "Priva",
    111: "Leviton",
    113: "Vertiv",
    123: "SCADA Engine",
    127: "ABB",
    133: "Veris Industries",
    140: "Viconics",
    141: "Yaskawa",
    142: "DEOS",
    148: "Temco Controls",
    160: "Rockwell Automation",
    162: "ASI Controls",
    169: "Vacon",
    171: "ABB",
    176: "Lutron",
    178: "LOYTEC",
    187: "Softing",
    188: "Lynxspring",
    190: "Danfoss",
    191: "Eaton",
    196: "Yokogawa",
    197: "Bosch",
    206: "Onicon",
    208: "Control Solutions",
    219: "Aircuity",
    222: "WAGO",
    225: "Computrols",
    226: "Phoenix Contact",
    227: "Grundfos",
    233: "Red Lion",
    237: "LS Electric",
    245: "Contemporary Controls",
    246: "HMS Networks",
    251: "Wilo",
    255: "Lennox",
    260: "BACnet Stack",
    264: "Regin",
    284: "Belimo",
    287: "Parker Hannifin",
    300: "Swegon",
    303: "Real Time Automation",
    313: "Siemens",
    316: "Janitza",
}
"""Vendors seen most in buildings; others are shown by number."""
