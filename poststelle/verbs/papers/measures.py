"""The measures list: what the program does, under the numbers auditors ask for, with what shows each.

A row names the tests that would fail if it did not hold, and the kinds of log entries that show it at work; a test
checks that all of them exist. Numbers: SDM building blocks of the German data protection authorities, Annex A of
ISO/IEC 27001:2022, VDA ISA 6 (TISAX). What only the company itself can do stands in `OWN_DUTIES`.
"""

from dataclasses import dataclass

from poststelle.verbs.papers.blocks import Block, Bullets, Heading, Paper, Paragraph, table
from poststelle.verbs.papers.live import Live


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure; what it claims holds no longer than its tests pass."""

    name: str
    claim: str
    sdm: tuple[str, ...]
    iso: tuple[str, ...]
    isa: tuple[str, ...]
    tests: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    """Log entries that show it at work."""
    needs: str = ""
    """What the office's own rules must contain for it to hold there; see `_applies`."""


GROUPS: dict[str, tuple[Measure, ...]] = {
    "Eingang und Unverlierbarkeit": (
        Measure(
            "Unverlierbarkeit",
            "Ein Schreiben verlässt den Eingangsordner erst, wenn es verschlüsselt abgelegt und zurückgelesen ist. "
            "Abbruch, Stromausfall oder volle Platte an jedem Schritt verlieren und verdoppeln nichts.",
            ("M11.S16",), ("A.5.33", "A.8.14"), ("5.2.8",),
            (
                "tests/faults/test_every_step.py::test_a_kill_at_any_step_loses_and_doubles_nothing",
                "tests/faults/test_every_step.py::test_a_full_disk_at_any_step_loses_and_doubles_nothing",
                "tests/faults/test_drills.py::test_a_power_cut_at_sampled_moments_breaks_no_promise",
            ),
            ("filed",),
        ),
        Measure(
            "Unveränderbarkeit des Originals",
            "Die empfangenen Bytes bleiben, wie sie waren; Berichtigungen sind neue Fassungen der Angaben, die alten "
            "Werte bleiben sichtbar.",
            ("M61.D06", "M61.P04", "M11.P05"), ("A.5.33",), ("7.1.1",),
            (
                "tests/journeys/test_decisions.py::test_a_correction_leaves_the_original_and_one_version_of_the_text",
                "tests/journeys/test_decisions.py::test_a_corrected_date_changes_the_due_day_and_keeps_the_old_value",
            ),
            ("fact-set",),
        ),
        Measure(
            "Vollständigkeit der Nummern",
            "Jedes Fach und das Posteingangsbuch zählen lückenlos; eine fehlende Zeile wird gefunden.",
            ("M11.D04",), ("A.5.33",), ("1.3.1",),
            (
                "tests/unit/test_archive_catalogue.py::test_numbers_have_no_gaps_per_compartment_and_year",
                "tests/unit/test_archive_catalogue.py::test_a_missing_row_is_a_gap",
            ),
            ("filed", "quarantined"),
        ),
        Measure(
            "Stapel",
            "Wird ein Stapel getrennt, weist ein signierter Übergabevermerk jede Seite nach.",
            ("M11.P06",), ("A.5.33",), (),
            ("tests/journeys/test_stacks.py::test_the_transfer_note_accounts_for_every_page",),
            ("stack-cut",),
        ),
        Measure(
            "Quarantäne",
            "Was nicht gelesen werden kann, bleibt ganz und verschlüsselt erhalten und nennt seinen Grund; verworfen "
            "wird nur auf Wunsch einer Person, die Nummer bleibt.",
            (), ("A.8.7",), ("5.2.3",),
            (
                "tests/journeys/test_the_whole_story.py::test_an_unreadable_file_is_kept_whole_with_a_reason",
                "tests/journeys/test_the_whole_story.py::test_discarding_is_not_done_unasked",
            ),
            ("quarantined", "quarantine-discarded"),
        ),
        Measure(
            "Schadhafte Dateien",
            "Fremde Dateien werden in eigenen Prozessen ohne Schlüssel und mit Grenzen für Rechenzeit und Speicher "
            "gelesen; wo der Kern es zulässt, ohne Zugriff auf andere Dateien.",
            ("M50.S10",), ("A.8.7",), ("5.2.3",),
            (
                "tests/unit/test_intake_limits.py::test_a_locked_worker_reads_and_writes_no_file",
                "tests/unit/test_intake_pool.py::test_workers_inherit_neither_environment_nor_files",
                "tests/unit/test_intake_pool.py::test_a_page_that_runs_away_is_given_up_alone",
            ),
        ),
        Measure(
            "Elektronische Rechnungen",
            "Bei einer E-Rechnung gilt das XML; weicht die Seite davon ab, wird sie gekennzeichnet.",
            (), ("A.5.31",), ("7.1.1",),
            (
                "tests/unit/test_einvoice.py::test_the_xml_inside_a_pdf_counts",
                "tests/unit/test_einvoice.py::test_a_page_that_says_something_else_is_flagged",
            ),
        ),
    ),
    "Vertraulichkeit, Rollen und Rechte": (
        Measure(
            "Verschlüsselung gespeicherter Daten",
            "In keiner Datei des Programms stehen Inhalt, Absender, Betreff oder Dateiname eines Schreibens lesbar: "
            "Schreiben, Text, Index, Verzeichnis, Protokoll und Zwischendateien sind verschlüsselt.",
            ("M11.D07", "M62.S05"), ("A.8.24", "A.8.12"), ("5.1.1",),
            (
                "tests/journeys/test_no_plaintext.py::test_nothing_of_a_letter_is_readable_anywhere",
                "tests/journeys/test_no_plaintext.py::test_the_search_finds_what_is_planted",
            ),
        ),
        Measure(
            "Trennung der Fächer",
            "Jedes Fach hat eigene Schlüssel; wer eines nicht lesen darf, erfährt auch nicht, ob es darin etwas gibt.",
            ("M50.S02", "M50.S03", "M50.D01"), ("A.8.3", "A.5.15"), ("4.2.1", "1.3.2"),
            (
                "tests/journeys/test_isolation.py::test_accounting_cannot_tell_whether_hrs_letter_exists",
                "tests/journeys/test_isolation.py::test_a_foreign_id_and_one_that_never_was_read_the_same",
                "tests/journeys/test_isolation.py::test_one_department_and_the_other_see_disjoint_mail",
            ),
        ),
        Measure(
            "Keine Schlüssel für die Systembetreuung",
            "Die Rolle der Systembetreuung kann die Maschine bedienen und kein Schreiben lesen.",
            ("M51.P42", "M51.P41"), ("A.8.2", "A.5.3"), ("4.2.1",),
            ("tests/journeys/test_isolation.py::test_the_administrator_may_run_the_machine_and_read_nothing",),
            needs="keyless administrator",
        ),
        Measure(
            "Anmeldung",
            "Jede Person hat eine eigene Identität mit eigenem Passwort; ein falsches verrät nichts, Einmalcodes "
            "werden gemeldet, bis sie geändert sind.",
            ("M51.S05", "M50.S04"), ("A.5.16", "A.5.17"), ("4.1.2", "4.1.3"),
            (
                "tests/journeys/test_identities.py::test_a_wrong_passphrase_says_nothing_and_changes_nothing",
                "tests/journeys/test_identities.py::test_one_time_codes_are_reported_until_they_are_changed",
            ),
            ("unlock",),
        ),
        Measure(
            "Vergabe und Entzug von Rechten",
            "Rechte gelten nur durch eine signierte Erklärung; niemand gibt weiter, was er nicht hat; eine geänderte "
            "Konfiguration gibt niemandem ein Recht.",
            ("M51.S13", "M51.P11", "M51.P58"), ("A.5.18", "A.8.32"), ("4.2.1", "5.2.1"),
            (
                "tests/journeys/test_people.py::test_nobody_gives_what_they_do_not_hold_or_breaks_the_separation",
                "tests/journeys/test_people.py::test_config_becomes_law_by_a_signature_only",
                "tests/journeys/test_identities.py::test_a_changed_config_gives_nobody_a_right",
            ),
            ("user-added", "user-removed", "config-applied"),
        ),
        Measure(
            "Ausscheiden",
            "Wer ausgeschieden ist, öffnet mit gespeicherten Schlüsseln nichts, was danach eingeht.",
            ("M51.P16",), ("A.5.18", "A.6.5"), ("4.2.1",),
            ("tests/journeys/test_people.py::test_who_left_opens_nothing_that_arrives_afterwards",),
            ("user-removed", "keys-renewed"),
        ),
        Measure(
            "Vertretung mit Ende",
            "Eine Vertretung endet von selbst zu ihrem Zeitpunkt; Vertreter vertreten nicht weiter.",
            ("M51.P55", "M51.S16", "M51.S17", "M51.P14"), ("A.5.18",), ("4.2.1",),
            (
                "tests/journeys/test_people.py::test_a_delegation_ends_by_itself",
                "tests/journeys/test_people.py::test_a_deputy_can_be_called_back_and_makes_no_deputies",
            ),
            ("delegated", "delegation-ended"),
        ),
        Measure(
            "Begrenzter Prüfzugriff",
            "Eine Prüferin sieht nur die vereinbarten Klassen und Jahre, nur lesend, und nur bis zum vereinbarten Tag.",
            ("M50.S16", "M50.D04", "M51.S16"), ("A.5.15", "A.8.34"), ("5.2.6",),
            (
                "tests/journeys/test_people.py::test_an_auditor_sees_the_classes_and_years_that_were_shared",
                "tests/journeys/test_people.py::test_a_share_ends_by_itself_and_leaves_nothing",
            ),
            ("shared", "share-ended", "export-package"),
        ),
        Measure(
            "Geschützte Post",
            "Post an Betriebsrat, Betriebsarzt und Datenschutz sowie persönliche Post wird nicht gelesen und nicht "
            "durchsuchbar; nur die benannte Rolle öffnet sie.",
            ("M50.D01", "M51.P29"), ("A.5.12", "A.5.34"), ("7.1.2",),
            (
                "tests/journeys/test_sealed_lane.py::test_no_word_of_a_sealed_letter_can_be_found_or_shown",
                "tests/journeys/test_sealed_lane.py::test_only_the_named_role_opens_it",
            ),
            needs="sealed lane",
        ),
        Measure(
            "Unsichere Zuordnung",
            "Ein Schreiben, dessen Klasse nicht sicher ist, wartet auf die Entscheidung einer Person.",
            ("M51.P39",), ("A.5.12",), ("1.3.2",),
            ("tests/journeys/test_decisions.py::test_a_doubtful_letter_waits_until_somebody_decides",),
            ("review-decided", "reclassified"),
        ),
    ),
    "Aufbewahrung, Löschung und Einschränkung": (
        Measure(
            "Fristen als Daten",
            "Die Fristentabelle wird gegen von Hand gerechnete Tage geprüft; eine geänderte Zeile nennt, was nicht "
            "mehr stimmt.",
            ("M60.P01", "M60.P02", "M60.S08"), ("A.5.31", "A.5.33"), ("7.1.1",),
            (
                "tests/unit/test_retention_selftest.py::test_the_shipped_table_holds_every_pinned_day",
                "tests/unit/test_retention_selftest.py::test_a_changed_line_names_the_days_that_no_longer_hold",
                "tests/unit/test_archive_retention.py::test_a_misread_year_never_shortens",
            ),
        ),
        Measure(
            "Keine verfrühte Aussonderung",
            "Vor dem Stichtag, unter einer Sperre oder während einer offenen Prüfung wird nichts vernichtet; eine "
            "zurückgestellte oder vorgestellte Uhr hält alles an.",
            ("M60.P06", "M60.S07"), ("A.8.10", "A.5.33", "A.8.17"), ("7.1.1",),
            (
                "tests/journeys/test_purge.py::test_nothing_goes_before_its_day",
                "tests/journeys/test_purge.py::test_a_hold_after_the_release_is_obeyed",
                "tests/journeys/test_purge.py::test_an_open_audit_keeps_what_was_released",
                "tests/journeys/test_purge.py::test_a_clock_that_was_set_back_stops_everything",
            ),
            ("purge-planned", "purge-released", "date-confirmed"),
        ),
        Measure(
            "Vier Augen bei der Aussonderung",
            "Wer einen Plan aufstellt, gibt ihn nicht frei.",
            ("M51.P37", "M51.P35"), ("A.5.3",), ("4.2.1",),
            ("tests/journeys/test_purge.py::test_nobody_releases_their_own_plan",),
            ("purge-released",),
        ),
        Measure(
            "Vollständige Löschung",
            "Nach der Aussonderung ist in Schlüsseln, Teilen, Text, Index und Verzeichnis nichts mehr zu finden; der "
            "gelernte Klassifikator verliert den Beitrag.",
            ("M60.D01", "M60.P09", "M60.P10", "M60.S04"), ("A.8.10",), ("7.1.2",),
            (
                "tests/journeys/test_purge.py::test_nothing_of_a_destroyed_letter_is_left",
                "tests/unit/test_archive_keystore.py::test_forgetting_leaves_no_wrap_in_any_byte",
                "tests/journeys/test_learning.py::test_a_destroyed_letters_contribution_is_gone",
            ),
            ("disposed", "purge-proved"),
        ),
        Measure(
            "Löschung in Sicherungen",
            "Eine Rücksicherung bringt Vernichtetes nicht zurück; für jede Sicherung wird gesagt, bis wann sie noch "
            "Schlüssel hält.",
            ("M60.S10", "M60.P08", "M60.P14", "M61.P07"), ("A.8.10", "A.8.13"), ("5.2.9", "7.1.2"),
            (
                "tests/journeys/test_backup.py::test_what_was_destroyed_after_the_backup_stays_destroyed",
                "tests/journeys/test_backup.py::test_proof_tells_what_each_backup_still_holds_and_until_when",
            ),
            ("backup",),
        ),
        Measure(
            "Vernichtungsnachweis",
            "Über jede Aussonderung bleibt ein signierter Nachweis ohne Inhalt des Schreibens, der ohne das Programm "
            "geprüft werden kann.",
            ("M60.S05", "M60.S06"), ("A.8.10", "A.5.28"), ("7.1.2",),
            (
                "tests/journeys/test_purge.py::test_the_certificate_and_the_list_can_be_checked_without_the_vault",
                "tests/journeys/test_backup.py::test_a_certificate_is_checked_by_somebody_without_the_program",
            ),
            ("disposed",),
        ),
        Measure(
            "Einschränkung der Verarbeitung",
            "Eingeschränkte Schreiben liegen getrennt, erscheinen in keiner normalen Suche und werden mit dem Grund "
            "nach Art. 18 der Datenschutz-Grundverordnung nicht vernichtet, bis er aufgehoben ist.",
            ("M62.D04", "M62.S02", "M62.D06", "M62.P08"), ("A.5.34", "A.8.3"), ("7.1.2",),
            (
                "tests/journeys/test_restrict.py::test_a_restricted_letter_is_out_of_reach_and_comes_back",
                "tests/journeys/test_restrict.py::test_art18_stops_its_destruction_until_it_is_lifted",
            ),
            ("restrict-place", "restrict-lift"),
        ),
        Measure(
            "Aufbewahrungssperre",
            "Eine Sperre hält Schreiben fest, bis eine berechtigte Person sie aufhebt; wird sie von Hand gelöscht, "
            "fällt das auf.",
            ("M60.P07",), ("A.5.28", "A.5.33"), ("7.1.1",),
            (
                "tests/journeys/test_decisions.py::test_a_hold_is_placed_seen_and_lifted",
                "tests/journeys/test_purge.py::test_a_hold_that_was_wiped_out_is_missed",
            ),
            ("hold-placed", "hold-lifted"),
        ),
    ),
    "Protokoll und Nachweis": (
        Measure(
            "Protokollierung",
            "Jeder Befehl, der etwas zeigt, herausgibt, entscheidet oder verändert, hinterlässt einen Eintrag.",
            ("M43.D06", "M43.D08", "M43.D09", "M43.P03", "M51.S09", "M50.S14"), ("A.8.15",), ("5.2.4",),
            (
                "tests/journeys/test_audit.py::test_every_command_with_effect_leaves_its_entry",
                "tests/journeys/test_audit.py::test_every_command_says_whether_it_is_logged",
            ),
            ("search", "show", "export", "open"),
        ),
        Measure(
            "Unverfälschbarkeit des Protokolls",
            "Jeder Eintrag ist mit dem vorigen verkettet; Änderung, Zurückrollen und Abzweigen fallen gegen einen "
            "gemerkten Stand oder einen außerhalb aufbewahrten Prüfpunkt auf.",
            ("M43.D07", "M43.D17"), ("A.8.15", "A.5.28"), ("5.2.4",),
            (
                "tests/unit/test_access_audit.py::test_a_changed_log_is_noticed",
                "tests/journeys/test_audit.py::test_a_log_that_was_rolled_back_is_found_by_a_checkpoint",
                "tests/journeys/test_audit.py::test_a_log_that_was_forked_is_found_by_a_checkpoint",
            ),
            ("checkpoint", "audit-verified"),
        ),
        Measure(
            "Vertraulichkeit des Protokolls",
            "Suchtexte und Angaben zu Schreiben sind für die Rollen verschlüsselt, die das Protokoll lesen dürfen; "
            "auch das Lesen wird protokolliert.",
            ("M43.P09",), ("A.8.15", "A.5.34"), ("5.2.4", "7.1.2"),
            (
                "tests/unit/test_access_audit.py::test_entries_stand_in_order_and_their_details_are_sealed",
                "tests/journeys/test_audit.py::test_only_those_with_the_right_read_the_log_and_are_logged",
            ),
            ("audit-shown",),
        ),
        Measure(
            "Frist für Protokolldaten",
            "Angaben, die älter sind als die Frist der Konfiguration, werden auf Anweisung entfernt; die Kette hält, "
            "und eine Entfernung ohne Signatur fällt auf.",
            ("M43.D05", "M60.P04"), ("A.8.10", "A.8.15"), ("5.2.4", "7.1.2"),
            (
                "tests/journeys/test_audit.py::test_old_details_expire_and_the_chain_still_holds",
                "tests/journeys/test_audit.py::test_details_that_were_taken_out_by_hand_are_missed",
            ),
            ("audit-expired",),
        ),
        Measure(
            "Auswertung ohne Personenbezug",
            "Der Bericht nennt Rückstand und Fristen nach Klassen, keine Person.",
            ("M43.P04",), ("A.5.34",), ("7.1.2",),
            ("tests/journeys/test_report.py::test_the_report_names_no_person",),
            ("report",),
        ),
        Measure(
            "Aktuelle Dokumentation",
            "Diese Unterlagen entstehen aus dem gelebten Zustand; weichen sie davon ab, schlägt ihre Prüfung fehl.",
            ("M42.P04", "M42.P20", "M42.P22", "M42.P32", "M42.P36"), ("A.5.37", "A.5.31"), ("1.1.1", "7.1.1"),
            (
                "tests/journeys/test_evidence.py::test_papers_that_no_longer_match_fail",
                "tests/journeys/test_evidence.py::test_every_test_and_entry_that_a_measure_names_exists",
            ),
            ("evidence-exported", "evidence-checked"),
        ),
    ),
    "Verfügbarkeit und Wiederherstellung": (
        Measure(
            "Sicherung und Rücksicherung",
            "Aus einer Sicherung wird auf einer leeren Maschine wieder das ganze Büro; eine veränderte Sicherung wird "
            "abgewiesen; ein Ausfall an jedem Schritt lässt eine brauchbare Sicherung.",
            ("M11.S12", "M11.P07"), ("A.8.13", "A.5.30"), ("5.2.9",),
            (
                "tests/journeys/test_backup.py::test_an_empty_machine_becomes_the_office_again",
                "tests/journeys/test_backup.py::test_a_generation_that_was_changed_is_refused",
                "tests/faults/test_backup_crashes.py::"
                "test_a_fault_at_any_step_of_a_backup_leaves_a_generation_to_restore",
            ),
            ("backup", "backup-verified", "restored"),
        ),
        Measure(
            "Wiederherstellungsübung",
            "Eine Übung misst, wie lange die Rücksicherung dauert, und lässt nichts zurück.",
            ("M11.P08",), ("A.5.30", "A.8.13"), ("5.2.8",),
            ("tests/journeys/test_backup.py::test_a_drill_tells_how_long_it_takes_and_leaves_nothing",),
        ),
        Measure(
            "Zweite Ausfertigung der Schlüssel",
            "Der Schlüsselspeicher wird gespiegelt, bevor eine Quelle entfernt wird; der Spiegel allein genügt.",
            ("M11.S06",), ("A.8.14",), ("5.2.8",),
            ("tests/journeys/test_the_whole_story.py::test_the_mirror_alone_brings_the_keys_back",),
        ),
        Measure(
            "Notfallbogen",
            "Mit dem Notfallbogen und einer Kopie des Tresors lassen sich Schreiben ohne das Programm öffnen.",
            ("M11.S02",), ("A.5.29",), ("5.2.8",),
            ("tests/journeys/test_the_whole_story.py::test_the_kit_and_a_copy_of_the_vault_are_enough",),
            ("kit-proved", "kit-renewed"),
        ),
        Measure(
            "Ersatz der verlorenen Identität eines Inhabers",
            "Der Notfallbogen ersetzt sie und sonst nichts; alle erfahren davon, und es steht im Protokoll.",
            ("M11.S02",), ("A.5.17", "A.5.29"), ("4.1.2", "5.2.8"),
            (
                "tests/journeys/test_kit_replaces_owner.py::test_a_lost_owner_is_an_owner_again",
                "tests/journeys/test_kit_replaces_owner.py::test_everybody_is_told_once_and_doctor_for_ever",
            ),
            ("kit-used", "identity-replaced"),
        ),
        Measure(
            "Unversehrtheitsprüfung",
            "Jedes umgekippte Bit, jeder Schnitt und jede fehlende Datei wird gefunden.",
            ("M11.S16",), ("A.5.33", "A.8.16"), ("5.2.6",),
            (
                "tests/faults/test_damage.py::test_every_flipped_bit_of_a_letter_an_index_or_the_log_is_found",
                "tests/faults/test_damage.py::test_every_cut_is_found",
                "tests/faults/test_damage.py::test_every_missing_file_is_found",
            ),
            ("verified",),
        ),
    ),
}  # fmt: skip

OWN_DUTIES = (
    "Verschlüsselung der Datenträger des Servers, Zutritt zu den Räumen, Schutz von Auslagerungsspeicher, Abbildern",
    "Anweisung für das Öffnen und Scannen der Post, Sichtprüfung der Scans, Verbleib und Vernichtung des Papiers.",
    "Aufbewahrung des Notfallbogens und der Prüfpunkte des Protokolls außerhalb dieser Maschine.",
    "Ausgabe der Identitäten an die Personen und Schulung der Beschäftigten.",
    "Vereinbarung mit dem Betriebsrat über Protokoll und dessen Frist, soweit es einen gibt.",
    "Freigabe der Fristentabelle durch Steuerberatung und Datenschutz.",
)
"""What no program can show."""


def all_measures() -> tuple[Measure, ...]:
    """Every measure, in the order of the list."""
    return tuple(measure for group in GROUPS.values() for measure in group)


def measures_list(live: Live) -> Paper:
    """The paper."""
    blocks: list[Block] = [
        Paragraph(
            f"{live.office['name']}. Stand {live.day:%d.%m.%Y}, Programm Poststelle {live.version}. Jede Zeile nennt "
            "die Prüfung des Programms, die fehlschlüge, wenn die Maßnahme nicht wirkte, und die Art der Einträge im "
            "Protokoll, die sie im Betrieb zeigen. Wann es solche Einträge zuletzt gab, steht in stand.md."
        ),
        Paragraph(
            "Nummern: SDM = Bausteine zum Standard-Datenschutzmodell (Nummern nach der Maßnahmenliste der "
            "Datenschutzaufsichtsbehörden, Datenlizenz Deutschland – Namensnennung – Version 2.0, www.govdata.de/dl-de/"
            "by-2-0; hier zugeordnet, also bearbeitet); ISO = ISO/IEC 27001:2022, Anhang A; ISA = Katalog VDA ISA 6 "
            "(TISAX). Die Zuordnung ersetzt keine Prüfung durch Dritte."
        ),
    ]
    number = 0
    for title, measures in GROUPS.items():
        rows = []
        for measure in measures:
            if not _applies(measure, live):
                continue
            number += 1
            controls = (("SDM", measure.sdm), ("ISO", measure.iso), ("ISA", measure.isa))
            rows.append(
                (
                    f"{number}",
                    f"{measure.name}: {measure.claim}",
                    "; ".join(f"{name} {', '.join(numbers)}" for name, numbers in controls if numbers),
                    ", ".join(measure.tests),
                    ", ".join(measure.kinds) or "–",
                )
            )
        header = ("Nr.", "Maßnahme", "Nummern", "Prüfung", "Einträge")
        blocks += [Heading(text=title), table(header, (4, 34, 20, 36, 14), rows)]
    blocks += [
        Heading(text="Was die Firma selbst tun muss"),
        Paragraph("Dafür gibt es keinen Nachweis im Programm:"),
        Bullets(OWN_DUTIES),
    ]
    return Paper(name="massnahmen", title="Technische und organisatorische Maßnahmen", blocks=tuple(blocks))


def _applies(measure: Measure, live: Live) -> bool:
    """Whether this office's rules are such that the measure holds: what was configured away is not claimed."""
    if measure.needs == "keyless administrator":
        return "administrator" in live.office["separation"]["keyless"]
    if measure.needs == "sealed lane":
        return bool(live.operation["sealed_lane"])
    return True
