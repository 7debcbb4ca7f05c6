"""What a hospital's machines and people write about patients, in its language: reports, comments and descriptions."""

from __future__ import annotations

from dataclasses import dataclass

from pacslab.cohort.recipe.sections import Country


@dataclass(frozen=True)
class Phrases:
    """Sentences with places for names and numbers, and the fixed words of a report.

    ``language`` is a code of RFC 5646 with its meaning; ``labels`` stand in a PDF report before the patient's name,
    national number, record number, date of birth, address, relative, the relative's telephone, the examination, its
    date, who asked for it and who read it; ``series`` are descriptions of series by their English words.
    """

    language: tuple[str, str]
    report: str
    department: str
    heading: str
    mailbox: str
    labels: tuple[str, ...]
    findings: str
    nothing_else: str
    advice: str
    correlation: str
    footer: str
    document: str
    review: str
    history: str
    seen_with: str
    code: str
    comment: str
    visit: str
    note: str
    notes: str
    told: str
    conclusion: str
    lesion: str
    show: str
    overlay: str
    series: dict[str, str]

    def series_words(self, english: str) -> str:
        """Return a series' description in this language; words that a recipe wrote stay."""
        return self.series.get(english, english)


ENGLISH = Phrases(
    language=("en", "English"),
    report="Imaging report",
    department="Department of Radiology",
    heading="DEPARTMENT OF RADIOLOGY: REPORT",
    mailbox="radiology",
    labels=(
        "Patient",
        "National number",
        "Hospital number",
        "Date of birth",
        "Address",
        "Relative to call",
        "Telephone of relative",
        "Examination",
        "Date of examination",
        "Referred by",
        "Reported by",
    ),
    findings="Findings",
    nothing_else="No other abnormality on the images provided.",
    advice="Advice",
    correlation="Clinical correlation. See the cover page for the admission diagnosis.",
    footer="Synthetic data made for teaching. No person named here exists.",
    document="Report",
    review="Review of {name}",
    history="Born {born}, first seen {seen}. {words} is to be followed up.",
    seen_with="{words}, seen with {name}",
    code="{kind} for {name}",
    comment="{name}, ID {number}: {words}.",
    visit="Came by car {vehicle}, driving licence {licence}. Fax {fax}, mail {email}, page {page}",
    note="{words} ({name}, born {born})",
    notes="Notes of the reading room",
    told="{name}, seen {seen}, ID {number}: {words}. Results by telephone to {phone}.",
    conclusion="To be correlated with the clinical findings.",
    lesion="lesion 1",
    show="{words}, to show to {name}",
    overlay="Seen with {name}",
    series={},
)
FRENCH = Phrases(
    language=("fr", "French"),
    report="Compte rendu d'imagerie",
    department="Service de radiologie",
    heading="SERVICE DE RADIOLOGIE : COMPTE RENDU",
    mailbox="radiologie",
    labels=(
        "Patient",
        "N° de sécurité sociale",
        "N° de dossier",
        "Date de naissance",
        "Adresse",
        "Proche à prévenir",
        "Téléphone du proche",
        "Examen",
        "Date de l'examen",
        "Adressé par",
        "Interprété par",
    ),
    findings="Résultats",
    nothing_else="Pas d'autre anomalie sur les images fournies.",
    advice="Conclusion",
    correlation="À confronter à la clinique. Diagnostic d'entrée : voir la fiche d'admission.",
    footer="Données synthétiques, faites pour l'enseignement. Aucune personne nommée ici n'existe.",
    document="Compte rendu",
    review="Relecture pour {name}",
    history="Né(e) le {born}, vu(e) le {seen}. À surveiller : {words}.",
    seen_with="{words}, vu avec {name}",
    code="{kind} pour {name}",
    comment="{name}, n° {number} : {words}.",
    visit="Arrivée en voiture {vehicle}, permis {licence}. Fax {fax}, courriel {email}, page {page}",
    note="{words} ({name}, né(e) le {born})",
    notes="Notes de la salle de lecture",
    told="{name}, vu(e) le {seen}, n° {number} : {words}. Résultats par téléphone au {phone}.",
    conclusion="À confronter aux données cliniques.",
    lesion="lésion 1",
    show="{words}, à montrer à {name}",
    overlay="Vu avec {name}",
    series={
        "CINE LOOP": "BOUCLE CINÉ",
        "REFERRAL LETTER": "LETTRE D'ADRESSAGE",
        "REPORT TEXT": "COMPTE RENDU, TEXTE",
        "MEASUREMENTS": "MESURES",
        "RADIATION DOSE": "DOSE DE RAYONNEMENT",
        "KEY IMAGES": "IMAGES CLÉS",
        "ANNOTATED": "IMAGE ANNOTÉE",
        "SCANNED DOCUMENTS": "DOCUMENTS NUMÉRISÉS",
        "REPORT": "COMPTE RENDU",
    },
)


def phrases_of(country: Country) -> Phrases:
    """Return a country's phrases: French in France, English elsewhere, as hospitals in India write."""
    return FRENCH if country is Country.FRANCE else ENGLISH
