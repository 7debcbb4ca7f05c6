"""The words that are printed on a hospital's forms, in its language."""

from __future__ import annotations

from dataclasses import dataclass

from pacslab.cohort.recipe.sections import Country


@dataclass(frozen=True)
class Form:
    """An admission form and a letter: titles, the labels beside what is typed in, and the phrases between."""

    title: str
    copy: str
    labels: tuple[str, ...]
    diagnosis: str
    consent: str
    signature: str
    officer: str
    stamp: tuple[str, str]
    letter: str
    greeting: str
    ask: str
    known: str
    reach: str
    thanks: str


ENGLISH = Form(
    title="ADMISSION AND REQUEST FOR IMAGING",
    copy="Form R-7   copy for records",
    labels=(
        "Name of patient",
        "National number",
        "Hospital number",
        "Date of birth",
        "Age / sex",
        "Address",
        "",
        "Telephone",
        "E-mail",
        "Occupation",
        "Date of admission",
        "Referred by",
        "Examination",
    ),
    diagnosis="DIAGNOSIS",
    consent="I agree to the examination and know that my data are treated as confidential.",
    signature="Signature or thumb impression",
    officer="Medical officer",
    stamp=("RADIOLOGY", "RECEIVED"),
    letter="REFERRAL",
    greeting="Dear colleague,",
    ask="please examine:",
    known="Known diagnosis:",
    reach="The patient can be reached at",
    thanks="With kind regards",
)
FRENCH = Form(
    title="ADMISSION ET DEMANDE D'IMAGERIE",
    copy="Imprimé R-7   copie dossier",
    labels=(
        "Nom du patient",
        "N° de sécurité sociale",
        "N° de dossier",
        "Date de naissance",
        "Âge / sexe",
        "Adresse",
        "",
        "Téléphone",
        "Courriel",
        "Profession",
        "Date d'admission",
        "Adressé par",
        "Examen",
    ),
    diagnosis="DIAGNOSTIC",
    consent="J'accepte l'examen et sais que mes données sont confidentielles.",
    signature="Signature du patient",
    officer="Médecin",
    stamp=("RADIOLOGIE", "   REÇU"),
    letter="LETTRE D'ADRESSAGE",
    greeting="Cher confrère,",
    ask="merci d'examiner :",
    known="Diagnostic connu :",
    reach="Le patient est joignable au",
    thanks="Bien confraternellement",
)


def form_of(country: Country) -> Form:
    """Return the words of a country's forms."""
    return FRENCH if country is Country.FRANCE else ENGLISH
